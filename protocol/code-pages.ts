/**
 * Data kept as contract code, which is cheaper to read than storage: page n (from 1) is the contract that its creator
 * made with its nonce n, and its code begins with 00.
 *
 * @module
 */
import { type Address, getContractAddress } from 'viem'

import { FieldError, uint } from './words.ts'

/** Bits of the highest page number there can be. */
const PAGE_BITS = 31

/**
 * Address of a page's contract, checksummed.
 *
 * @param page - From 1 to 2³¹ − 1.
 * @throws FieldError when there can be no such page.
 */
export function pageAddress(creator: Address, page: number): Address {
  return getContractAddress({ from: creator, nonce: BigInt(pageNumber(page, PAGE_BITS)) })
}

/**
 * The page, if a number of `bits` bits can name it.
 *
 * @throws FieldError when there can be no such page.
 */
export function pageNumber(page: number, bits: number): number {
  if (uint(page, bits, 'page') === 0n) throw new FieldError('page', 'is zero')
  return page
}
