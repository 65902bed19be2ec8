/**
 * What the settlement keeps in its storage and no view tells: the stored clock, which rows of deal pages hold, and of net
 * mode the queue, the nets of the last days and the bonds.
 *
 * A test holds the slots to the compiler's layout.
 *
 * @module
 */
import { type Address, concatHex, type Hex, keccak256, numberToHex } from 'viem'

import type { Source } from './source.ts'

/** Slot of the word that begins with the clock. */
export const HEAD_SLOT = 3
/** Slot of the mapping from page to live rows. */
export const LIVE_PAGES_SLOT = 15

/** Slot of the word with the number of buyers and the queue of announced groups. */
export const NET_HEAD_SLOT = 22
/** Slot of the nets that have not matured. */
export const OPEN_NETS_SLOT = 23
/** Slot of the ring of announced groups. */
export const ANNOUNCED_SLOT = 26
/** Slot of the mapping from epoch to its members' bonds as they were read. */
export const BONDS_SLOT = 27

const SECOND = 0xffff_ffffn
const AMOUNT = 2n ** 56n - 1n
const BUCKETS = 4

const word = (value: number): Hex => numberToHex(value, { size: 32 })
const slotIn = (key: Hex, slot: Hex): Hex => keccak256(concatHex([key, slot]))

/** Clock and time (unix seconds) of the last stored touch, after `block`. */
export async function readStoredClock(source: Source, settlement: Address, block: number) {
  const head = BigInt(await source.storage(settlement, word(HEAD_SLOT), block))
  return { stored: Number(head & SECOND), touchedAt: Number((head >> 32n) & SECOND) }
}

/** Bit r: row r of the page still states its deal. */
export async function readLiveRows(source: Source, settlement: Address, page: number, block: number): Promise<bigint> {
  return BigInt(await source.storage(settlement, slotIn(word(page), word(LIVE_PAGES_SLOT)), block))
}

/** Buyers that have an index, and the queue of announced groups. */
export async function readNetHead(source: Source, settlement: Address, block: number) {
  const head = BigInt(await source.storage(settlement, word(NET_HEAD_SLOT), block))
  const part = (index: bigint): number => Number((head >> (32n * index)) & SECOND)
  return { buyers: part(0n), queueFrom: part(1n), queueTo: part(2n) }
}

/** Nets that have not matured: the day of the last batch, and those due one to four days after it. */
export async function readOpenNets(source: Source, settlement: Address, block: number) {
  const open = BigInt(await source.storage(settlement, word(OPEN_NETS_SLOT), block))
  const buckets = Array.from({ length: BUCKETS }, (_, i) => (open >> BigInt(32 + 56 * i)) & AMOUNT)
  return { day: Number(open & SECOND), buckets }
}

/** What is kept of the group at a place of the ring: its hash (28 bytes) and when it was announced. */
export async function readAnnounced(source: Source, settlement: Address, place: number, block: number) {
  const kept = BigInt(await source.storage(settlement, slotIn(word(place), word(ANNOUNCED_SLOT)), block))
  return { hash: numberToHex(kept >> 32n, { size: 28 }), at: Number(kept & SECOND) }
}

/** The first `count` words of the bonds of an epoch's members. */
export async function readBondWords(
  source: Source,
  { settlement, epoch, count }: { settlement: Address; epoch: number; count: number },
  block: number,
): Promise<bigint[]> {
  const words: bigint[] = []
  const ofEpoch = slotIn(word(epoch), word(BONDS_SLOT))
  while (words.length < count) {
    words.push(BigInt(await source.storage(settlement, slotIn(word(words.length), ofEpoch), block)))
  }
  return words
}
