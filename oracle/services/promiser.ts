/**
 * Promises a batch for what this member could settle now, so that leaving it out can be shown. A promise is on the disk
 * before it is given, and the same tally gets the same promise again.
 *
 * @module
 */
import type { Hex } from 'viem'

import { type Domain, promiseDigest } from '#protocol/eip712.ts'
import type { SignedPromise } from '#protocol/wire.ts'
import { sameAddress } from '../domain/checks.ts'
import { type WishPolicy, waitOf } from '../domain/wishes.ts'
import type { Chain, Committee, Signer, Store, StoredSegment } from '../ports.ts'
import { judgeGroups } from './judge.ts'

/** Furthest ahead a member promises, seconds. */
const LONGEST_SECONDS = 86_400

/** Gives promises. */
export type Promiser = {
  /** The promise about a segment; null while this member can give none. */
  of(tallyHash: Hex): Promise<SignedPromise | null>
}

/** How far ahead a member promises. */
export type PromisePolicy = {
  /** Whether it promises at all. */
  readonly enabled: boolean
  /** Seconds it takes at least; and beyond the longest a segment may wait by its provider's wish. */
  readonly withinSeconds: number
}

/**
 * Creates the promiser.
 *
 * @param deps - `isReady`: whether the node does its work; one that does not promises nothing.
 */
export function createPromiser(deps: {
  readonly store: Pick<Store, 'segments' | 'promises'>
  readonly chain: Pick<Chain, 'facts' | 'clock'>
  readonly committee: () => Promise<Committee>
  readonly signer: Signer
  readonly domain: Domain
  readonly committeeDomain: Domain
  readonly policy: PromisePolicy
  readonly waits: WishPolicy
  readonly isReady: () => boolean
}): Promiser {
  const { store, chain, signer, policy } = deps

  /** Whether the chain would apply it now: who promises more answers for what others do. */
  async function isSettleable({ segment }: StoredSegment): Promise<boolean> {
    const group = { segment, signature: segment.signature, acknowledged: false }
    const [failure] = await judgeGroups(chain, deps.domain, [group])
    return failure === null
  }

  async function sign({ tallyHash, segment }: StoredSegment): Promise<SignedPromise | null> {
    const [{ epoch, members }, clock] = await Promise.all([deps.committee(), chain.clock()])
    const member = members.findIndex((one) => sameAddress(one.signer, signer.address))
    if (member < 0) return null
    const waits = Math.ceil(waitOf(segment.wish ?? {}, deps.waits) / 1_000)
    // what lies further ahead could not be opened for long enough to answer for it
    if (waits + policy.withinSeconds > LONGEST_SECONDS) return null
    const before = clock + waits + policy.withinSeconds
    const signature = signer.sign(promiseDigest({ tally: tallyHash, before }, deps.committeeDomain))
    store.promises.keep(tallyHash, { epoch, member, before, signature })
    return store.promises.of(tallyHash)
  }

  return {
    async of(tallyHash) {
      const known = store.promises.of(tallyHash)
      if (known !== null) return known
      if (!policy.enabled || !deps.isReady()) return null
      const stored = store.segments.get(tallyHash)
      if (stored === null || !isOpen(stored)) return null
      return (await isSettleable(stored)) ? await sign(stored) : null
    },
  }
}

function isOpen({ status, verification }: StoredSegment): boolean {
  return verification === 'done' && (status === 'accepted' || status === 'batched')
}
