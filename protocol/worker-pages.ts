/**
 * Workers' keys as the registry keeps them: page n (from 1) is the contract created with the registry's nonce n, its code
 * is `00 ‖ (provider id (4) ‖ key (20))*`, and a worker's index is `page · 512 + row`. The same key may stand in several
 * pages, so that a batch touches few of them.
 *
 * @module
 */
import { type Address, getAddress, type Hex, zeroAddress } from 'viem'

import { pageNumber } from './code-pages.ts'
import { TallyError } from './errors.ts'
import { concatBytes, FieldError, fixedBytes, toBytes, toHex, uint } from './words.ts'

/** Keys one page holds at most. */
export const PAGE_ROWS = 512
const HEADER_BYTES = 1
const PROVIDER_BYTES = 4
const KEY_BYTES = 20
const ROW_BYTES = PROVIDER_BYTES + KEY_BYTES
const INDEX_BITS = 40
const ROW_BITS = 9
const PAGE_BITS = INDEX_BITS - ROW_BITS

/** Whose worker stands in a row, and its key. */
export type WorkerRow = { readonly provider: number; readonly key: Address }

/** Thrown when code is no page of workers' keys; `code` is `worker-page.malformed`. */
export class WorkerPageError extends TallyError {
  override readonly name = 'WorkerPageError'

  constructor(problem: string) {
    super('worker-page.malformed', problem)
  }
}

/**
 * Index of the worker in row `row` (from 0) of page `page` (from 1).
 *
 * @throws FieldError when there can be no such worker.
 */
export function workerIndex(page: number, row: number): number {
  uint(row, ROW_BITS, 'row')
  return pageNumber(page, PAGE_BITS) * PAGE_ROWS + row
}

/**
 * Page and row of a worker's index.
 *
 * @throws FieldError when the index does not fit uint40.
 */
export function workerPosition(index: number): { page: number; row: number } {
  uint(index, INDEX_BITS, 'index')
  // Indexes pass 32 bits, which JavaScript's shifts would cut off.
  return { page: Math.floor(index / PAGE_ROWS), row: index % PAGE_ROWS }
}

/**
 * Rows of a page's code, keys checksummed.
 *
 * @throws {@link WorkerPageError} when the code is no page: another first byte, no or too many or cut-off rows.
 */
export function parseWorkerPage(code: Hex): WorkerRow[] {
  const bytes = toBytes(code, 'code')
  const rows = (bytes.length - HEADER_BYTES) / ROW_BYTES
  if (bytes[0] !== 0) throw new WorkerPageError('it does not begin with a zero byte')
  if (!Number.isInteger(rows) || rows < 1 || rows > PAGE_ROWS) throw new WorkerPageError(`it has ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return Array.from({ length: rows }, (_, row) => {
    const at = HEADER_BYTES + ROW_BYTES * row
    const key = getAddress(toHex(bytes.subarray(at + PROVIDER_BYTES, at + ROW_BYTES)))
    return { provider: view.getUint32(at), key }
  })
}

/**
 * Keys as `Registry.registerWorkers` takes them: 20 bytes each.
 *
 * @throws FieldError when there are none or more than a page holds, or one is zero.
 */
export function packKeys(keys: readonly Address[]): Hex {
  if (keys.length < 1 || keys.length > PAGE_ROWS) throw new FieldError('keys', `are ${keys.length}`)
  if (keys.includes(zeroAddress)) throw new FieldError('keys', 'hold the zero address')
  return toHex(concatBytes(keys.map((key) => fixedBytes(key, KEY_BYTES, 'key'))))
}
