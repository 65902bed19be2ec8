/**
 * Deals' facts as the settlement keeps them in code: page n (from 1) is the contract created with the settlement's nonce
 * n, its code is `00 ‖ (deal key (32) ‖ terms (32) ‖ budget (8) ‖ allowance (8))*`, and a deal's place is
 * `page · 256 + row`. A place is only a hint: a batch that names a wrong or stale one costs more and settles alike.
 *
 * @module
 */
import type { Hex } from 'viem'

import { pageNumber } from './code-pages.ts'
import { TallyError } from './errors.ts'
import { toBytes, toHex, uint } from './words.ts'

/** Deals one page holds at most. */
export const DEAL_ROWS = 256
const HEADER_BYTES = 1
const ROW_BYTES = 80
const PLACE_BITS = 32
const ROW_BITS = 8
const PAGE_BITS = PLACE_BITS - ROW_BITS

/** A deal as it stood when its page was written. */
export type DealRow = {
  readonly dealKey: Hex
  /** The packed word of the same name in the settlement's storage. */
  readonly terms: Hex
  /** Settlement token base units. */
  readonly budget: bigint
  /** Units payable: exposure and what was acknowledged. It may have risen since. */
  readonly allowance: bigint
}

/** Thrown when code is no page of deals; `code` is `deal-page.malformed`. */
export class DealPageError extends TallyError {
  override readonly name = 'DealPageError'

  constructor(problem: string) {
    super('deal-page.malformed', problem)
  }
}

/**
 * Place of the deal in row `row` (from 0) of page `page` (from 1).
 *
 * @throws FieldError when there can be no such place.
 */
export function dealPlace(page: number, row: number): number {
  uint(row, ROW_BITS, 'row')
  return pageNumber(page, PAGE_BITS) * DEAL_ROWS + row
}

/**
 * Page and row of a place.
 *
 * @throws FieldError when there can be no such place; 0, which stands for the deal's storage, is none.
 */
export function dealPosition(place: number): { page: number; row: number } {
  uint(place, PLACE_BITS, 'place')
  return { page: pageNumber(Math.floor(place / DEAL_ROWS), PAGE_BITS), row: place % DEAL_ROWS }
}

/**
 * Rows of a page's code.
 *
 * @throws {@link DealPageError} when the code is no page: another first byte, no or too many or cut-off rows.
 */
export function parseDealPage(code: Hex): DealRow[] {
  const bytes = toBytes(code, 'code')
  const rows = (bytes.length - HEADER_BYTES) / ROW_BYTES
  if (bytes[0] !== 0) throw new DealPageError('it does not begin with a zero byte')
  if (!Number.isInteger(rows) || rows < 1 || rows > DEAL_ROWS) throw new DealPageError(`it has ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return Array.from({ length: rows }, (_, row) => {
    const at = HEADER_BYTES + ROW_BYTES * row
    return {
      dealKey: toHex(bytes.subarray(at, at + 32)),
      terms: toHex(bytes.subarray(at + 32, at + 64)),
      budget: view.getBigUint64(at + 64),
      allowance: view.getBigUint64(at + 72),
    }
  })
}
