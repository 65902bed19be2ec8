/**
 * From one address to everything an audit needs: the other contracts, the tokens, the constants, the first block.
 *
 * @module
 */
import type { Address } from 'viem'

import { committeeAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'

import { AuditError } from './errors.ts'
import type { Contracts } from './events.ts'
import type { Head, Source } from './source.ts'
import { addressKey, createState, type State } from './state.ts'
import { readView } from './views.ts'

/** Where an audit starts. */
export type Start = {
  contracts: Contracts
  state: State
  /** First block with any of the contracts. */
  from: number
  /** Block that created the settlement. */
  deployedAt: number
}

/** First block after which `address` has code. */
async function firstBlockOf(source: Source, address: Address, head: number): Promise<number> {
  let without = -1
  let having = head
  while (having - without > 1) {
    const middle = Math.floor((having + without) / 2)
    if ((await source.code(address, middle)) === '0x') without = middle
    else having = middle
  }
  return having
}

/**
 * Finds the contracts behind a settlement.
 *
 * @throws AuditError `audit.not-a-settlement` when nothing, or something else, lives at the address.
 */
export async function discover(source: Source, address: Address, chainId: number, head: Head): Promise<Start> {
  const settlement = addressKey(address)
  if ((await source.code(settlement, head.number)) === '0x') {
    throw new AuditError('audit.not-a-settlement', `there is no contract at ${address} on chain ${chainId}`)
  }
  const own = { abi: settlementAbi, address: settlement, args: [] } as const
  const read = async (functionName: 'TOKEN' | 'REGISTRY' | 'COMMITTEE'): Promise<Address> =>
    addressKey(await readView(source, { ...own, functionName }, head.number))
  let parts: Address[]
  try {
    parts = await Promise.all([read('TOKEN'), read('REGISTRY'), read('COMMITTEE')])
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== 'chain.no-answer') throw error
    throw new AuditError('audit.not-a-settlement', `the contract at ${address} is no settlement`, { cause: error })
  }
  const [token = settlement, registry = settlement, committee = settlement] = parts
  const theirs = { abi: registryAbi, address: registry, args: [] } as const
  const [stakeToken, bound, thaw, payout, key, grace] = await Promise.all([
    readView(source, { ...theirs, functionName: 'STAKE_TOKEN' }, head.number),
    readView(source, { ...theirs, functionName: 'settlement' }, head.number),
    readView(source, { ...theirs, functionName: 'THAW' }, head.number),
    readView(source, { ...theirs, functionName: 'PAYOUT_NOTICE' }, head.number),
    readView(source, { ...theirs, functionName: 'KEY_NOTICE' }, head.number),
    readView(source, { abi: committeeAbi, address: committee, functionName: 'GRACE', args: [] }, head.number),
  ])
  if (addressKey(bound) !== settlement) {
    throw new AuditError('audit.not-a-settlement', `the registry ${registry} serves ${bound} and not ${address}`)
  }
  const firsts = await Promise.all(
    [settlement, registry, committee].map(async (one) => await firstBlockOf(source, one, head.number)),
  )
  const state = createState({ chainId, verifyingContract: settlement }, committee)
  state.grace = grace
  state.notices = { thaw, payout, key }
  return {
    contracts: { settlement, registry, committee, token, stakeToken: addressKey(stakeToken) },
    state,
    from: Math.min(...firsts),
    deployedAt: firsts[0] ?? head.number,
  }
}
