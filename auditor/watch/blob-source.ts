/**
 * Blobs from who keeps them, proven.
 *
 * @module
 */
import type { Hex } from 'viem'

import { BlobReadError, createBlobReader } from '#runtime/blob-reader.ts'
import type { Kzg } from '#runtime/kzg.ts'

/** The blob of a versioned hash from the first of these base URLs that gives it; null where none does now. */
export type BlobSource = (versionedHash: Hex, archives: readonly string[]) => Promise<Uint8Array | null>

/** Creates the source. */
export function createBlobSource(options: { readonly kzg: Kzg; readonly signal: AbortSignal }): BlobSource {
  return async (versionedHash, archives) => {
    try {
      return await createBlobReader({ ...options, archives }).read(versionedHash)
    } catch (error) {
      if (error instanceof BlobReadError) return null
      throw error
    }
  }
}
