/**
 * What is left to do about a case in the vault: voiding what the fault makes void, reading members' bonds again, paying
 * out.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex, parseAbi, zeroAddress } from 'viem'

import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { faultSubject } from '#protocol/evidence.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import type { Fault } from '#protocol/types.ts'
import { toHex } from '#protocol/words.ts'

import { type Book, type BookCase, type BookDeal, type BookGroup, streamKey } from './book.ts'
import { placeOf, type ReadInterval } from './places.ts'
import type { Act } from './sender.ts'

/** Contracts that cases are worked on with; what is not deployed is left out. */
export type CaseContracts = {
  readonly settlement: Address
  readonly registry: Address
  readonly oversight?: Address | undefined
}

/** Seconds on the protocol clock that slashed stake waits. */
const VAULT_TIME = 72 * 3_600

export const oversightAbi = parseAbi([
  'struct Case { bytes32 subject; uint32 provider; address signer; uint96 own; uint96 delegated; uint96 restitution; address victim; address reporter; bytes32 evidence; uint64 blockNumber; uint32 slashedAt; }',
  'struct Refutation { Case facts; uint8 fault; uint24 index; bytes32 detail; }',
  'function voidFrom(uint32 id, Refutation refutation, bytes place, bytes receipts, bool recorded) returns (uint64)',
])

/** Deal and stream that a case against a provider is about. */
export function accusedOf(book: Book, { facts, fault }: BookCase): { deal: BookDeal; stream: number } | null {
  for (const deal of book.deals.values()) {
    if (deal.provider !== facts.provider) continue
    for (let stream = 0; stream < deal.streams; stream += 1) {
      if (faultSubject(deal.key, stream, fault as Fault) === facts.subject) return { deal, stream }
    }
  }
  return null
}

/** The first settled group that holds receipt `index` of a stream, or begins behind it. */
function groupFrom(book: Book, deal: BookDeal, stream: number, index: number): BookGroup | null {
  const groups = book.groups.get(streamKey(deal.key, stream)) ?? []
  return groups.find(({ applied, tally }) => applied && tally.tally.count > index) ?? null
}

/** Voids what was settled from the fault's first receipt on; null where nothing was, or it cannot be shown. */
async function voiding(
  book: Book,
  one: BookCase,
  contracts: CaseContracts,
  readInterval: ReadInterval,
): Promise<Act | null> {
  const { proven, facts, fault } = one
  const accused = accusedOf(book, one)
  if (proven === null || accused === null || contracts.oversight === undefined) return null
  const { deal, stream } = accused
  const group = groupFrom(book, deal, stream, proven.index)
  const receipts = group?.tally.receipts
  if (group === null || receipts === undefined) return null
  const place = await placeOf(book, group, readInterval)
  if (place === null) return null
  const refutation = { facts, fault, ...proven }
  const args = [deal.id, refutation, place.bytes, toHex(encodeReceipts(receipts)), place.recorded] as const
  const data = encodeFunctionData({ abi: oversightAbi, functionName: 'voidFrom', args })
  return { name: `void ${facts.subject}`, to: contracts.oversight, data }
}

/** Acts that a case asks for now. */
export async function actsFor(
  book: Book,
  one: BookCase,
  at: { readonly contracts: CaseContracts; readonly clock: number; readonly readInterval: ReadInterval },
): Promise<Act[]> {
  const { facts, isOver } = one
  const { settlement, registry } = at.contracts
  const acts: Act[] = []
  const voids = await voiding(book, one, at.contracts, at.readInterval)
  if (voids !== null) acts.push(voids)
  if (facts.signer !== zeroAddress) {
    const data = encodeFunctionData({ abi: settlementAbi, functionName: 'refreshBonds' })
    acts.push({ name: `refresh bonds ${facts.subject}`, to: settlement, data })
  }
  if (!isOver && at.clock >= facts.slashedAt + VAULT_TIME) {
    const data: Hex = encodeFunctionData({ abi: registryAbi, functionName: 'payOut', args: [facts] })
    acts.push({ name: `pay out ${facts.subject}`, to: registry, data })
  }
  return acts
}
