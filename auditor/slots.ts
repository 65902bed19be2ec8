/**
 * What the settlement keeps in its storage and no view tells: the stored clock, and which rows of deal pages hold.
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

const SECOND = 0xffff_ffffn

const word = (value: number): Hex => numberToHex(value, { size: 32 })

/** Clock and time (unix seconds) of the last stored touch, after `block`. */
export async function readStoredClock(source: Source, settlement: Address, block: number) {
  const head = BigInt(await source.storage(settlement, word(HEAD_SLOT), block))
  return { stored: Number(head & SECOND), touchedAt: Number((head >> 32n) & SECOND) }
}

/** Bit r: row r of the page still states its deal. */
export async function readLiveRows(source: Source, settlement: Address, page: number, block: number): Promise<bigint> {
  const slot = keccak256(concatHex([word(page), word(LIVE_PAGES_SLOT)]))
  return BigInt(await source.storage(settlement, slot, block))
}
