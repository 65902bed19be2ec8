/**
 * Keeps the blobs of settled batches for good: the chain's own nodes forget them after 18 days, and what was paid must
 * stay readable.
 *
 * Taken are blobs that a settled batch names, from anybody, and those of batches this member builds or signs. Those the
 * chain names and nobody brought are fetched from the other members.
 *
 * @module
 */
import type { Hex } from 'viem'

import { TallyError } from '#protocol/errors.ts'
import { type CommittedBlob, commitBlobs } from '#runtime/blob-transaction.ts'
import { HttpProblem } from '#runtime/http.ts'
import type { Kzg } from '#runtime/kzg.ts'
import type { Logger } from '#runtime/log.ts'
import type { BlobStore, Clock, Data } from '../ports.ts'

/** Blobs of one member. */
export type Archive = {
  /**
   * Takes a blob that a settled batch names.
   *
   * @returns Whether it was here before.
   * @throws HttpProblem 409 `blob.unexpected`, 400 `blob.hash-mismatch`, 503 `blob.busy` or 507 `blob.full`.
   */
  put(versionedHash: Hex, bytes: Uint8Array): Promise<'stored' | 'known'>
  /** The blob of a hash; null if it is not here. */
  get(versionedHash: Hex): Promise<Uint8Array | null>
  /**
   * Keeps the blobs of a batch that this member builds or signs; they are forgotten when no settled batch names them in
   * time.
   *
   * @throws HttpProblem 507 `blob.full`.
   */
  keep(blobs: readonly Pick<CommittedBlob, 'blob' | 'versionedHash'>[]): Promise<void>
  /** Blobs of a batch under way, in order, ready to be sent; null where one is nowhere to be had. */
  load(versionedHashes: readonly Hex[]): Promise<readonly CommittedBlob[] | null>
  /** Fetches some of what the chain names and is not here, and forgets what never came on chain. */
  step(): Promise<void>
}

/** How long a batch under way has to come on chain. */
const WAITING_MS = 3_600_000
/** Blobs fetched in one step: those of one batch. */
const FETCHED_AT_ONCE = 6
/** Strangers' blobs judged at once, 40 ms each. */
const MAX_JUDGING = 2

/**
 * Creates the archive.
 *
 * @param deps - `data`: a store for blobs alone; `read`: a blob from the other members, verified; `retryMs`: how long a
 * blob nobody could give is not asked for again.
 */
export function createArchive(deps: {
  readonly blobs: BlobStore
  readonly data: Pick<Data, 'put' | 'get' | 'remove'>
  readonly kzg: Pick<Kzg, 'commit' | 'versionedHash'>
  readonly read: (versionedHash: Hex) => Promise<Uint8Array>
  readonly retryMs: number
  readonly clock: Clock
  readonly log: Logger
}): Archive {
  const { blobs, data, kzg, clock, log } = deps
  let judging = 0

  async function hold(versionedHash: Hex, bytes: Uint8Array): Promise<void> {
    const root = await put(data, bytes)
    blobs.hold({ versionedHash, root, untilMs: clock.now() + WAITING_MS })
  }

  async function get(versionedHash: Hex): Promise<Uint8Array | null> {
    const root = blobs.find(versionedHash)?.root ?? null
    if (root === null) return null
    const bytes = await data.get(root).catch((error: unknown) => {
      if (!hasCode(error, 'data.corrupt')) throw error
      log.error({ err: error, versionedHash }, 'a blob was damaged on the disk')
      return null
    })
    // gone or damaged: it counts as missing, and is fetched again
    if (bytes === null) blobs.lose(versionedHash)
    return bytes
  }

  async function judge(versionedHash: Hex, bytes: Uint8Array): Promise<void> {
    if (judging >= MAX_JUDGING) throw new HttpProblem(503, 'blob.busy', 'other blobs are being judged')
    judging += 1
    try {
      if (kzg.versionedHash(await kzg.commit(bytes)) === versionedHash) return
    } catch (error) {
      if (!hasCode(error, 'kzg.invalid-blob')) throw error
    } finally {
      judging -= 1
    }
    throw new HttpProblem(400, 'blob.hash-mismatch', 'the bytes are another blob, or none')
  }

  async function fetchMissing(versionedHash: Hex): Promise<void> {
    blobs.tried(versionedHash, clock.now())
    try {
      await hold(versionedHash, await deps.read(versionedHash))
    } catch (error) {
      if (!hasCode(error, 'blob.unavailable')) throw error
      log.warn({ err: error }, 'a blob is nowhere to be had')
    }
  }

  /** The blob of a hash, from another member where it is not here. */
  async function obtain(versionedHash: Hex): Promise<Uint8Array | null> {
    const own = await get(versionedHash)
    if (own !== null) return own
    await fetchMissing(versionedHash)
    return await get(versionedHash)
  }

  return {
    get,

    async put(versionedHash, bytes) {
      const known = blobs.find(versionedHash)
      if (known === null) throw new HttpProblem(409, 'blob.unexpected', 'no settled batch names this blob')
      if ((await get(versionedHash)) !== null) return 'known'
      await judge(versionedHash, bytes)
      await hold(versionedHash, bytes)
      return 'stored'
    },

    async keep(batch) {
      for (const { versionedHash, blob } of batch) await hold(versionedHash, blob)
    },

    async load(versionedHashes) {
      const found: Uint8Array[] = []
      for (const versionedHash of versionedHashes) {
        const blob = await obtain(versionedHash)
        if (blob === null) return null
        found.push(blob)
      }
      return await commitBlobs(kzg, found)
    },

    async step() {
      for (const root of blobs.expire(clock.now())) await data.remove(root)
      for (const hash of blobs.missing(FETCHED_AT_ONCE, clock.now() - deps.retryMs)) await fetchMissing(hash)
    },
  }
}

async function put(data: Pick<Data, 'put'>, bytes: Uint8Array): Promise<Hex> {
  try {
    return await data.put(bytes)
  } catch (error) {
    if (hasCode(error, 'data.full')) throw new HttpProblem(507, 'blob.full', 'this member has no room left for blobs')
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof TallyError && error.code === code
}
