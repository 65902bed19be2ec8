import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import type { Hex } from 'viem'

import { createSqliteStore } from '#oracle/adapters/sqlite-store.ts'
import { tallyOf } from '#oracle/domain/segment.ts'
import type { Store } from '#oracle/ports.ts'
import { createProposer, type Proposer } from '#oracle/services/proposer.ts'
import { tallyHash } from '#protocol/eip712.ts'
import { createLog } from '#runtime/log.ts'
import { accountOf } from '../support/chain.ts'
import { factsOf, goodSegment, place } from '../support/facts.ts'
import { policy, usualFees } from '../support/planning.ts'

const segment = goodSegment()
const tally = tallyOf(segment)
const hash = tallyHash(tally)
const signer = { address: accountOf('member 0').address, sign: (): Hex => '0x' }

describe('a batch that cannot settle', () => {
  let folder: string
  let store: Store
  let now: number
  let proposer: Proposer

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tally-propose-'))
    store = createSqliteStore({ file: join(folder, 'oracle.sqlite'), deployment: 'one' })
    now = 1_000_000
    store.segments.insert(
      {
        ...{ tallyHash: hash, segment, segmentHash: tally.segment, status: 'accepted', check: null },
        ...{ verification: 'done', claims: 11, transaction: null, receivedAtMs: now },
      },
      [],
    )
    proposer = createProposer({
      store,
      chain: {
        facts: async () => factsOf(segment),
        settleCall: () => ({ to: signer.address, data: '0xda' }),
        feeLevel: async () => usualFees,
      },
      deals: { of: async () => new Map([[segment.dealId, factsOf(segment).deal]]) },
      committee: async () => ({ epoch: 1, threshold: 1, members: [{ signer: signer.address, endpoint: '' }] }),
      gatherer: {
        gather: async (_seat, _carriage, groups) => ({
          attestation: { bytes: '0x01', authority: '0x', root: tally.segment, groups, blobs: [] },
          left: new Map(),
        }),
      },
      assemble: async () => expect.fail('what is attested is put together by the gatherer'),
      archive: { keep: async () => {} },
      ...{ signer, domain: place.domain, clock: { now: () => now }, headTime: () => 0, faults: { hit: () => {} } },
      log: createLog({ name: 'test', level: 'silent' }),
      batchPolicy: { ...policy, maxAgeMs: 0 },
      turnPolicy: { slotSeconds: 12, takeoverMs: 1_000, retryMs: 1_000, maxOpenBatches: 4 },
      onBatch: () => {},
    })
  })
  afterEach(() => {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Builds a batch, lets it fail, and returns how long it takes until the next one may be built, milliseconds. */
  async function failOnce(): Promise<number> {
    expect(await proposer.step()).to.equal(1)
    const [batch] = store.batches.ready()
    if (batch === undefined) throw new Error('there is no batch')
    store.batches.fail(batch.id, 'it would revert')
    proposer.failed(batch.groups)
    const failedAt = now
    while ((await tryIn(500)) === 0);
    return now - failedAt
  }
  /** Looks whether a batch would be built then, and takes it back. */
  async function tryIn(laterMs: number): Promise<number> {
    now += laterMs
    const built = await proposer.step()
    for (const { id } of store.batches.ready()) store.batches.fail(id, 'not meant')
    return built
  }

  it('is built again after pauses that grow', async () => {
    const pauses = [await failOnce(), await failOnce(), await failOnce(), await failOnce()]
    for (const [index, pause] of pauses.entries()) {
      expect(pause).to.be.within(1_000 * 2 ** index, 1_500 * 2 ** index + 500)
    }
  })

  it('keeps nothing waiting that settled meanwhile', async () => {
    await proposer.step()
    store.segments.settle(segment, { head: segment.count, final: 0 })
    proposer.failed([hash])
    store.segments.settle(segment, { head: 0, final: 0 })
    for (const { id } of store.batches.ready()) store.batches.fail(id, 'not meant')
    expect(await proposer.step()).to.equal(1)
  })
})
