/**
 * Who may call what: a successful top-level call by anybody else is a discrepancy.
 *
 * Calls through other contracts (a Safe, say) show no caller in the transaction; what they did is still held against
 * every other rule.
 *
 * @module
 */
import { type Address, decodeFunctionData, zeroAddress } from 'viem'

import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'

import { type Replay, report } from './replay.ts'
import { addressKey, type Provider, remainingOf } from './state.ts'

const isBuyer = (replay: Replay, id: number, caller: Address): boolean => replay.state.deals.get(id)?.buyer === caller

function isExhausted(replay: Replay, id: number): boolean {
  const deal = replay.state.deals.get(id)
  return deal !== undefined && remainingOf(deal) === 0n
}

function isAllowedAtSettlement(replay: Replay, caller: Address): boolean {
  const call = decodeFunctionData({ abi: settlementAbi, data: replay.transaction.input })
  switch (call.functionName) {
    case 'topUp':
    case 'announceDealKeys':
      return isBuyer(replay, call.args[0], caller)
    case 'stop':
      return isBuyer(replay, call.args[0], caller) || isExhausted(replay, call.args[0])
    case 'markRevocation':
    case 'setPayout':
    case 'startEpoch':
      return false
    default:
      return true
  }
}

function isOperator(provider: Provider | undefined, caller: Address): boolean {
  return provider !== undefined && (caller === provider.owner || caller === provider.operator)
}

/** Who may name a bond's owner: its signer while it has none. */
function bondOwner({ state }: Replay, signer: Address): Address {
  const key = addressKey(signer)
  const owner = state.nets.bonds.get(key)?.owner ?? zeroAddress
  return owner === zeroAddress ? key : owner
}

function isAllowedAtRegistry(replay: Replay, caller: Address): boolean {
  const call = decodeFunctionData({ abi: registryAbi, data: replay.transaction.input })
  const provider = typeof call.args?.[0] === 'number' ? replay.state.providers.get(call.args[0]) : undefined
  switch (call.functionName) {
    case 'thaw':
    case 'withdrawStake':
    case 'setOperator':
      return provider?.owner === caller
    case 'registerWorkers':
    case 'revokeWorker':
      return isOperator(provider, caller)
    case 'proposePayout':
      return provider?.owner === caller || (provider?.payout === caller && call.args[1] === zeroAddress)
    case 'acceptPayout':
      return provider?.nextPayout === caller
    case 'nameBondOwner':
      return bondOwner(replay, call.args[0]) === caller
    case 'thawBond':
    case 'withdrawBond':
      return replay.state.nets.bonds.get(addressKey(call.args[0]))?.owner === caller
    case 'reserve':
    case 'release':
      return false
    default:
      return true
  }
}

/** Reports a top-level call that its caller had no right to; uses the ledger as it was before the call. */
export function checkCaller(replay: Replay): void {
  const { transaction, contracts } = replay
  const to = transaction.to === null ? null : addressKey(transaction.to)
  const caller = addressKey(transaction.from)
  try {
    const isAllowed =
      (to !== contracts.settlement || isAllowedAtSettlement(replay, caller)) &&
      (to !== contracts.registry || isAllowedAtRegistry(replay, caller))
    if (!isAllowed) report(replay, 'authority', `${transaction.from} may not call this`)
  } catch {
    // a function neither contract is known to have succeeded
    report(replay, 'unreadable', 'the transaction’s input is no call of these contracts')
  }
}
