/**
 * Workers' keys as the registry keeps them: page n (from 1) is the contract created with the registry's nonce n, its code
 * is `00 ‖ provider id (4) ‖ keys (20 each)`, and a worker's index is `page · 512 + row`.
 *
 * @module
 */
import { type Address, getAddress, getContractAddress, type Hex, zeroAddress } from 'viem'

import { TallyError } from './errors.ts'
import { concatBytes, FieldError, fixedBytes, toBytes, toHex, uint } from './words.ts'

/** Keys one page holds at most. */
export const PAGE_ROWS = 512
const HEADER_BYTES = 5
const KEY_BYTES = 20

/** Thrown when code is no page of workers' keys; `code` is `worker-page.malformed`. */
export class WorkerPageError extends TallyError {
  override readonly name = 'WorkerPageError'

  constructor(problem: string) {
    super('worker-page.malformed', problem)
  }
}

/**
 * Address of a page's contract, checksummed.
 *
 * @param page - From 1 to 2²³ − 1.
 * @throws FieldError when there can be no such page.
 */
export function pageAddress(registry: Address, page: number): Address {
  if (uint(page, 23, 'page') === 0n) throw new FieldError('page', 'is zero')
  return getContractAddress({ from: registry, nonce: BigInt(page) })
}

/**
 * Index of the worker in row `row` (from 0) of page `page` (from 1).
 *
 * @throws FieldError when there can be no such worker.
 */
export function workerIndex(page: number, row: number): number {
  if (uint(page, 23, 'page') === 0n) throw new FieldError('page', 'is zero')
  uint(row, 9, 'row')
  return page * PAGE_ROWS + row
}

/**
 * Page and row of a worker's index.
 *
 * @throws FieldError when the index does not fit uint32.
 */
export function workerPosition(index: number): { page: number; row: number } {
  uint(index, 32, 'index')
  return { page: Math.floor(index / PAGE_ROWS), row: index % PAGE_ROWS }
}

/**
 * Provider's id and keys of a page's code; row i is `keys[i]`, checksummed.
 *
 * @throws {@link WorkerPageError} when the code is no page: another first byte, no or too many or cut-off keys.
 */
export function parseWorkerPage(code: Hex): { provider: number; keys: Address[] } {
  const bytes = toBytes(code, 'code')
  const rows = (bytes.length - HEADER_BYTES) / KEY_BYTES
  if (bytes[0] !== 0) throw new WorkerPageError('it does not begin with a zero byte')
  if (!Number.isInteger(rows) || rows < 1 || rows > PAGE_ROWS) throw new WorkerPageError(`it has ${bytes.length} bytes`)
  const keys = Array.from({ length: rows }, (_, row) => {
    const at = HEADER_BYTES + KEY_BYTES * row
    return getAddress(toHex(bytes.subarray(at, at + KEY_BYTES)))
  })
  return { provider: new DataView(bytes.buffer, bytes.byteOffset).getUint32(1), keys }
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
