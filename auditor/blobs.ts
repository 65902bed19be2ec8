/**
 * The auditor's own reader of blobs, written from docs/protocol.md and not from the writer, and where it has them from.
 *
 * @module
 */
import type { Hex } from 'viem'

import { BlobReadError, createBlobReader } from '#runtime/blob-reader.ts'
import type { Kzg } from '#runtime/kzg.ts'

import { AuditError } from './errors.ts'

/** A blob by its versioned hash from archives anybody may run; null when none gives it. What is given is proven. */
export type ReadBlob = (versionedHash: Hex, members: readonly string[]) => Promise<Uint8Array | null>

/** Where blobs may be had. */
export type BlobArchiveOptions = {
  kzg: Pick<Kzg, 'commit' | 'versionedHash'>
  /** Base URLs, asked before the committee members' own. */
  archives: readonly string[]
  fetch?: typeof fetch
  signal?: AbortSignal
  /** Longest wait for one answer, default 10,000 ms. */
  timeoutMs?: number
}

const ELEMENTS = 4096
const ELEMENT_BYTES = 32
const PAYLOAD = 31
const MAX_GROUP_ELEMENTS = 256

/** Reads blobs; an archive that does not answer once is not asked again, because an audit has to end. */
export function createBlobArchive(options: BlobArchiveOptions): ReadBlob {
  const silent = new Set<string>()
  return async (versionedHash, members) => {
    const places = [...new Set([...options.archives, ...members])].filter((url) => URL.canParse(url))
    const archives = places.filter((place) => !silent.has(place))
    try {
      return await createBlobReader({ ...options, archives }).read(versionedHash)
    } catch (error) {
      if (!(error instanceof BlobReadError)) throw error
      for (const { archive, reason } of error.failures) if (reason === 'silent') silent.add(archive)
      return null
    }
  }
}

/** Big-endian number in `length` bytes from `at` on. */
function numberAt(blob: Uint8Array, at: number, length: number): number {
  return blob.subarray(at, at + length).reduce((value, byte) => value * 256 + byte, 0)
}

const elementsFor = (length: number): number => Math.ceil(length / PAYLOAD)

/**
 * Bytes that a blob holds for one of its groups.
 *
 * @param groups - Groups of the blob.
 * @param index - The group's place among them.
 * @returns The bytes, whatever they say; null where the group's entry or one of its elements is not as it must be.
 * @throws AuditError `blob.size`.
 */
export function groupBytesIn(blob: Uint8Array, groups: number, index: number): Uint8Array | null {
  if (blob.length !== ELEMENTS * ELEMENT_BYTES)
    throw new AuditError('blob.size', `a blob of ${blob.length} bytes is none`)
  const entry = blob.subarray(ELEMENT_BYTES * index, ELEMENT_BYTES * (index + 1))
  const start = numberAt(entry, 1, 2)
  const length = numberAt(entry, 3, 4)
  const end = start + elementsFor(length)
  const before = ELEMENT_BYTES * (index - 1)
  const expected = index === 0 ? groups : numberAt(blob, before + 1, 2) + elementsFor(numberAt(blob, before + 3, 4))
  const isEntry = entry[0] === 0 && entry.subarray(7).every((byte) => byte === 0)
  if (!isEntry || start !== expected || length === 0) return null
  if (end - start > MAX_GROUP_ELEMENTS || end > ELEMENTS) return null

  const bytes: number[] = []
  for (let element = start; element < end; element++) {
    const [first, ...payload] = blob.subarray(ELEMENT_BYTES * element, ELEMENT_BYTES * (element + 1))
    if (first !== 0) return null
    bytes.push(...payload)
  }
  return bytes.slice(length).every((byte) => byte === 0) ? Uint8Array.from(bytes.slice(0, length)) : null
}
