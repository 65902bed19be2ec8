/**
 * Reads blobs by the hash the chain names them by, from archives that nobody has to trust: what an archive gives counts
 * only once its commitment leads to that hash.
 *
 * @module
 */
import type { Hex } from 'viem'

import { TallyError } from '#protocol/errors.ts'
import { BLOB_BYTES } from '#protocol/kzg.ts'

import type { Kzg } from './kzg.ts'

/** Why one archive did not help: it has no such blob, does not answer, or gave bytes that are not the blob. */
export type ArchiveFailure = {
  readonly archive: string
  readonly reason: 'unknown' | 'silent' | 'false'
}

/** Thrown when no archive gives a blob: `blob.unavailable`. */
export class BlobReadError extends TallyError {
  override readonly name = 'BlobReadError'
  readonly versionedHash: Hex
  /** What each archive did, in the order asked. */
  readonly failures: readonly ArchiveFailure[]

  constructor(versionedHash: Hex, failures: readonly ArchiveFailure[]) {
    const tried = failures.map(({ archive, reason }) => `${archive}: ${reason}`).join(', ')
    super('blob.unavailable', `no archive gives blob ${versionedHash} (${tried || 'none was named'})`)
    this.versionedHash = versionedHash
    this.failures = failures
  }
}

/** Reads blobs. */
export type BlobReader = {
  /**
   * The blob of a versioned hash, verified.
   *
   * @throws {@link BlobReadError} when no archive gives it.
   */
  read(versionedHash: Hex): Promise<Uint8Array>
}

/** What a reader needs. */
export type BlobReaderOptions = {
  readonly kzg: Pick<Kzg, 'commit' | 'versionedHash'>
  /** Base URLs, in the order they are asked. */
  readonly archives: readonly string[]
  /** Ends what is under way; `read` then throws its reason. */
  readonly signal?: AbortSignal
  /** Longest one archive may take, default 10,000 ms. */
  readonly timeoutMs?: number
  readonly fetch?: typeof fetch
}

/** Creates a reader. */
export function createBlobReader(options: BlobReaderOptions): BlobReader {
  const { kzg, archives, signal, timeoutMs = 10_000 } = options
  const get = options.fetch ?? fetch

  async function ask(archive: string, hash: Hex): Promise<Uint8Array | ArchiveFailure> {
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      const answer = await get(new URL(`/v1/blobs/${hash}`, archive), {
        redirect: 'error',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      })
      if (!answer.ok) {
        await answer.body?.cancel()
        return { archive, reason: answer.status === 404 ? 'unknown' : 'silent' }
      }
      return (await boundedBytes(answer)) ?? { archive, reason: 'false' }
    } catch {
      signal?.throwIfAborted()
      return { archive, reason: 'silent' }
    }
  }

  async function isBlobOf(hash: Hex, bytes: Uint8Array): Promise<boolean> {
    try {
      return kzg.versionedHash(await kzg.commit(bytes)) === hash
    } catch (error) {
      if (error instanceof TallyError && error.code === 'kzg.invalid-blob') return false
      throw error
    }
  }

  return {
    async read(versionedHash) {
      const failures: ArchiveFailure[] = []
      for (const archive of archives) {
        const answer = await ask(archive, versionedHash)
        if (!(answer instanceof Uint8Array)) failures.push(answer)
        else if (await isBlobOf(versionedHash, answer)) return answer
        else failures.push({ archive, reason: 'false' })
      }
      throw new BlobReadError(versionedHash, failures)
    },
  }
}

/** The answer's bytes, or null where they are more or fewer than a blob's: a stranger decides how many come. */
async function boundedBytes(answer: Response): Promise<Uint8Array | null> {
  const blob = new Uint8Array(BLOB_BYTES)
  let length = 0
  for await (const chunk of answer.body ?? []) {
    if (length + chunk.length > BLOB_BYTES) return null
    blob.set(chunk, length)
    length += chunk.length
  }
  return length === BLOB_BYTES ? blob : null
}
