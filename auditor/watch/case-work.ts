/**
 * What is left to do about a case in the vault: voiding what the fault makes void, reading members' bonds again, paying
 * out.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex, zeroAddress } from 'viem'

import { oversightAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { faultSubject } from '#protocol/evidence.ts'
import { placeUnderRoot } from '#protocol/oversight.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Fault, Lane } from '#protocol/types.ts'
import { toHex } from '#protocol/words.ts'
import type { Act } from '#runtime/act-sender.ts'
import { type Book, type BookCase, type BookDeal, type BookGroup, streamKey } from './book.ts'
import { placeOf, type ReadInterval } from './places.ts'

/** Contracts that cases are worked on with; what is not deployed is left out. */
export type CaseContracts = {
  readonly settlement: Address
  readonly registry: Address
  readonly oversight?: Address | undefined
}

/** Faults that refute what members may have vouched for. */
const CLAIMED: ReadonlySet<number> = new Set([Fault.Unordered, Fault.WrongResult, Fault.Withheld, Fault.Minority])
/** Chunk 0, of an output that was demanded. */
const WHOLE_OUTPUT: Hex = '0x00000000'
/** Seconds on the protocol clock that slashed stake waits. */
const VAULT_TIME = 72 * 3_600

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
  const { facts, fault } = one
  const refuted = book.refuted.get(facts.subject)
  const accused = accusedOf(book, one)
  if (refuted === undefined || accused === null || contracts.oversight === undefined) return null
  const { deal, stream } = accused
  const group = groupFrom(book, deal, stream, refuted.index)
  const receipts = group?.tally.receipts
  if (group === null || receipts === undefined) return null
  const place = await placeOf(book, group, readInterval)
  if (place === null) return null
  const refutation = { facts, fault, ...refuted }
  const args = [deal.id, refutation, place.bytes, toHex(encodeReceipts(receipts)), place.recorded] as const
  const data = encodeFunctionData({ abi: oversightAbi, functionName: 'voidFrom', args })
  return { name: `void ${facts.subject}`, to: contracts.oversight, data }
}

/** Members who vouched for what the case refutes, batch by batch. */
function refutedAttestations(book: Book, one: BookCase, { oversight }: CaseContracts): Act[] {
  const { facts, fault } = one
  const refuted = book.refuted.get(facts.subject)
  const accused = accusedOf(book, one)
  if (refuted === undefined || accused === null || oversight === undefined || !CLAIMED.has(fault)) return []
  const groups = book.groups.get(streamKey(accused.deal.key, accused.stream)) ?? []
  return groups.flatMap(({ tally: { tally, receipts }, batch, index }) => {
    const isHeld = tally.first <= refuted.index && refuted.index < tally.count
    if (!isHeld || receipts === undefined || batch.lane !== Lane.Attested) return []
    const place = placeUnderRoot(batch.rooted, tally, index)
    const refutation = { facts, fault, ...refuted }
    const args = [refutation, place, toHex(encodeReceipts(receipts)), WHOLE_OUTPUT, batch.authority] as const
    const data = encodeFunctionData({ abi: oversightAbi, functionName: 'proveBadAttestation', args })
    return [{ name: `refute ${facts.subject} in ${batch.root}`, to: oversight, data }]
  })
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
  acts.push(...refutedAttestations(book, one, at.contracts))
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
