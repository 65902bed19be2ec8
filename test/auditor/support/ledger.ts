/**
 * A ledger written by hand: one provider with two workers, one buyer, one deal, clock and parameters.
 *
 * @module
 */
import { type Address, type Hex, keccak256, stringToHex, zeroAddress, zeroHash } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'

import { startedClock } from '#auditor/clock.ts'
import type { ChainEvent, Contracts, SettlementEvent } from '#auditor/events.ts'
import { createFindings, type Findings } from '#auditor/findings.ts'
import { createOpen, type Replay } from '#auditor/replay.ts'
import type { Source } from '#auditor/source.ts'
import { newPool, newSide } from '#auditor/stake-model.ts'
import { addressKey, createState, type Deal, remainingOf, type State, wheelOf } from '#auditor/state.ts'
import { replayTransaction } from '#auditor/transaction.ts'

/** The key that belongs to a name. */
export const keyOf = (name: string): Hex => keccak256(stringToHex(`ledger ${name}`))
/** The address that belongs to a name, lower case as the ledger keeps them. */
export const addressOf = (name: string): Address => addressKey(privateKeyToAddress(keyOf(name)))

export const contracts: Contracts = {
  settlement: addressOf('settlement'),
  registry: addressOf('registry'),
  committee: addressOf('committee'),
  token: addressOf('token'),
  stakeToken: addressOf('stake token'),
}

/** Second at which the deal was opened: noon of a day of the protocol clock. */
export const OPENED_AT = 20_000 * 86_400 + 43_200
/** Index of the deal's worker. */
export const WORKER = 512
/** Index of a worker of another provider. */
export const FOREIGN_WORKER = 1024
export const DAY = 86_400

export const deal = (changes: Partial<Deal> = {}): Deal => ({
  id: 1,
  key: keccak256(stringToHex('deal 1')),
  buyer: addressOf('buyer'),
  provider: 1,
  offerHash: keccak256(stringToHex('offer')),
  program: zeroHash,
  price: 700n,
  rateCap: 3600,
  maxBudget: 2_000_000n,
  offerTotal: 3_000_000n,
  kind: 1,
  mode: 0,
  openingFee: 0n,
  budget: 1_000_000n,
  allowance: 10_000n,
  place: 0,
  bond: 10n,
  openedAt: OPENED_AT,
  end: OPENED_AT + 10 * DAY,
  streams: [
    { count: 2, units: 30n, acknowledged: 0n },
    { count: 0, units: 0n, acknowledged: 0n },
  ],
  orderKey: addressOf('order key'),
  ackKey: addressOf('ack key'),
  taskRoot: zeroHash,
  closedAt: null,
  orderKeys: [addressOf('order key')],
  ...changes,
})

/** A ledger an hour after the deal was opened. */
export function ledger(changes: Partial<Deal> = {}): State {
  const state = createState({ chainId: 31337, verifyingContract: contracts.settlement }, contracts.committee)
  const one = deal(changes)
  state.clock = startedClock(OPENED_AT + 3600, OPENED_AT + 3600)
  state.parameters = {
    attestedWindow: DAY,
    forcedWindow: 3 * DAY,
    closingPeriod: DAY,
    retention: 7 * DAY,
    keyNotice: DAY,
    coverageBps: 10_000,
    bondBps: 1000,
    protocolFeeBps: 100,
    committeeFeeBps: 50,
    stakeValue: 1_000_000,
  }
  state.treasuries = { protocol: addressOf('treasury'), committee: addressOf('committee treasury') }
  state.deals.set(1, one)
  state.keys.set(1, one.key)
  state.accounts.set(one.buyer, { free: 500n, locked: one.budget, nonce: 1n })
  wheelOf(state, 1).cover = 100_000_000n
  state.held = 500n + remainingOf(one)
  const side = { ...newSide(), tokens: 10n ** 20n, shares: 10n ** 20n, blocked: 10n }
  const stake = { side, pool: newPool(), hasPool: false, thawedAt: 0 }
  const person = { ...stake, operator: zeroAddress, nextPayout: zeroAddress, payoutFrom: 0 }
  state.providers.set(1, { ...person, owner: addressOf('owner'), payout: addressOf('payout') })
  state.workers.set(WORKER, { provider: 1, key: addressOf('worker') })
  state.workers.set(FOREIGN_WORKER, { provider: 2, key: addressOf('worker') })
  return state
}

/** A chain that must not be asked: everything is in the events. */
const silent = async (): Promise<never> => {
  throw new Error('the chain was asked')
}
export const silentSource: Source = {
  chainId: silent,
  head: silent,
  header: silent,
  blocks: () => {
    throw new Error('the chain was asked')
  },
  call: silent,
  storage: silent,
  code: silent,
  trace: silent,
  overlays: silent,
  executions: silent,
  blob: silent,
}

/** What a hand-made transaction is. */
export type Made = { events: readonly ChainEvent[]; input?: Hex; from?: Address; timestamp?: number }

/** Replays one hand-made transaction to the settlement on a ledger. */
export async function replayOn(state: State, made: Made): Promise<Findings> {
  const findings = createFindings()
  const timestamp = made.timestamp ?? state.clock.touchedAt
  const input = made.input ?? '0x'
  const to = input === '0x' ? addressOf('wallet') : contracts.settlement
  const from = made.from ?? addressOf('sender')
  const transaction = { hash: keyOf('transaction'), from, to, input, blobs: [], succeeded: true, logs: [] }
  const block = { number: 7, hash: zeroHash, parentHash: zeroHash, timestamp, transactions: [transaction] }
  const calls = input === '0x' ? null : [{ from, input }]
  const replay: Replay = {
    state,
    findings,
    contracts,
    source: silentSource,
    block,
    transaction,
    calls,
    open: createOpen(),
  }
  await replayTransaction(replay, made.events)
  return findings
}

/** An event of the settlement. */
export const told = (event: SettlementEvent): ChainEvent => ({ source: 'settlement', index: 0, event })

/** A transfer of the settlement token. */
export const moved = (from: Address, to: Address, amount: bigint): ChainEvent => ({
  source: 'transfer',
  index: 0,
  token: contracts.token,
  from,
  to,
  amount,
})
