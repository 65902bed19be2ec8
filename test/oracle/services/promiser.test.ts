import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import type { Address } from 'viem'

import { createSqliteStore } from '#oracle/adapters/sqlite-store.ts'
import type { ChainFacts } from '#oracle/domain/facts.ts'
import { tallyOf } from '#oracle/domain/segment.ts'
import type { Store, StoredSegment } from '#oracle/ports.ts'
import { createPromiser } from '#oracle/services/promiser.ts'
import { promiseDigest, tallyHash } from '#protocol/eip712.ts'
import { recoverCompact, signCompact } from '#protocol/signature.ts'
import { accountOf, keyOf } from '../support/chain.ts'
import { factsOf, goodSegment, place } from '../support/facts.ts'

const segment = goodSegment()
const hash = tallyHash(tallyOf(segment))
const committeeDomain = { chainId: 31_337, verifyingContract: `0x${'cc'.repeat(20)}` as Address }
const { address } = accountOf('member 0')

function stored(changes: Partial<StoredSegment> = {}): StoredSegment {
  return {
    ...{ tallyHash: hash, segment, segmentHash: tallyOf(segment).segment, status: 'accepted', check: null },
    ...{ verification: 'done', claims: 11, transaction: null, receivedAtMs: 5, ...changes },
  }
}

describe('promises of a member', () => {
  let folder: string
  let store: Store

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tally-promises-'))
    store = createSqliteStore({ file: join(folder, 'oracle.sqlite'), deployment: 'one' })
  })
  afterEach(() => {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function promiser(
    changes: {
      clock?: number
      facts?: Partial<ChainFacts>
      isReady?: boolean
      enabled?: boolean
      signer?: Address
    } = {},
  ) {
    const facts: ChainFacts = { ...factsOf(segment), ...changes.facts }
    return createPromiser({
      store,
      chain: { facts: async () => facts, clock: async () => changes.clock ?? 2_000 },
      committee: async () => ({
        epoch: 4,
        threshold: 1,
        members: [{ signer: changes.signer ?? address, endpoint: '' }],
      }),
      signer: { address, sign: (digest) => signCompact(digest, keyOf('member 0')) },
      domain: place.domain,
      committeeDomain,
      policy: { enabled: changes.enabled ?? true, withinSeconds: 600 },
      waits: { maxAgeMs: 10_500, leastWaitMs: 0, mostWaitMs: 86_400_000 },
      isReady: () => changes.isReady ?? true,
    })
  }
  const accept = (changes: Partial<StoredSegment> = {}) => store.segments.insert(stored(changes), [0, 1, 2])

  it('names a time beyond what the segment may wait, and is signed for the committee', async () => {
    accept()
    const promise = await promiser().of(hash)
    expect(promise).to.deep.include({ epoch: 4, member: 0, before: 2_000 + 11 + 600 })
    if (promise === null) throw new Error('there is a promise')
    const digest = promiseDigest({ tally: hash, before: promise.before }, committeeDomain)
    expect(recoverCompact(digest, promise.signature)).to.equal(address)
  })

  it('stays the same, whatever the time', async () => {
    accept()
    const first = await promiser().of(hash)
    expect(await promiser({ clock: 9_000, isReady: false }).of(hash)).to.deep.equal(first)
  })

  const withheld = [
    ['work that was not run again yet', { verification: 'pending' as const }, {}],
    ['what is settled', { status: 'settled' as const }, {}],
    ['what the chain would not apply now', {}, { facts: { room: 0n } }],
    ['anything while the node does not do its work', {}, { isReady: false }],
    ['anything when told so', {}, { enabled: false }],
    ['anything outside of the committee', {}, { signer: accountOf('stranger').address }],
  ] as const
  for (const [what, changes, setting] of withheld) {
    it(`is not given for ${what}`, async () => {
      accept(changes)
      expect(await promiser(setting).of(hash)).to.equal(null)
      expect(store.promises.of(hash)).to.equal(null)
    })
  }
})
