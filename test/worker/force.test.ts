/**
 * Forced batches, read back as the chain reads them.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import type { Hex } from 'viem'

import { type CalldataBatch, decodeBatch } from '#protocol/batch.ts'
import { batchRoot, groupHash, tallyOfGroup } from '#protocol/batch-root.ts'
import { forceDigest, tallyDigest } from '#protocol/eip712.ts'
import { recoverCompact, signCompact } from '#protocol/signature.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { buildForceBatch, forceGroup } from '#worker/force.ts'
import { createWorkerStore, type WorkerStore } from '#worker/store.ts'

import { dealKey, domain, identity, orderOf, outcomeOf, signWith, workerKey } from './support/fixtures.ts'

const sign = signWith(workerKey, (tally) => tallyDigest(tally, domain))
const signDigest = (digest: Hex) => signCompact(digest, workerKey)
const sender = '0x00000000000000000000000000000000000000Bb'

/** A batch with its receipts in it, from its bytes. */
function decoded(bytes: Hex): CalldataBatch {
  const batch = decodeBatch(bytes)
  return batch.mode === Mode.Calldata ? batch : expect.fail('its receipts stand elsewhere')
}

describe('forcing', () => {
  let folder: string
  let store: WorkerStore
  const refs = [3, 0].map((stream) => ({ dealKey, stream }))

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tally-worker-force-'))
    store = createWorkerStore({ file: join(folder, 'worker.sqlite'), identity })
    for (const { stream } of refs) {
      const indexes = Array.from({ length: 130 }, (_, i) => i * 4 + stream)
      store.addOrders(indexes.map((index) => ({ order: orderOf(index), stream, dealId: 7 })))
      for (const index of indexes) store.appendReceipt({ dealKey, stream }, BigInt(index), outcomeOf(index, 0, 2n))
    }
  })
  after(() => {
    store.close()
    rmSync(folder, { recursive: true })
  })

  const groupOf = (stream: number, cursor: number) =>
    forceGroup({ store, ref: { dealKey, stream }, cursor, worker: 513, sign })
  const groups = () => refs.map(({ stream }) => groupOf(stream, 20)).filter((group) => group !== null)

  it('takes the oldest unsettled receipts, a hundred at most', () => {
    const group = groupOf(0, 20)
    expect([group?.tally.first, group?.tally.count, group?.receipts.length]).to.deep.equal([20, 120, 100])
    expect(groupOf(0, 100)?.tally.count).to.equal(130)
    expect(groupOf(0, 130)).to.equal(null)
  })

  it('takes what was signed before where the key is not at hand', () => {
    store.signTally({ dealKey, stream: 3 }, 5, 12, sign)
    const group = forceGroup({ store, ref: { dealKey, stream: 3 }, cursor: 6, worker: 513 })
    expect([group?.tally.first, group?.tally.count]).to.deep.equal([5, 12])
    expect(forceGroup({ store, ref: { dealKey, stream: 3 }, cursor: 1, worker: 513 })).to.equal(null)
  })

  it('takes exactly what a member promised a batch for and did not settle in time', () => {
    const ref = { dealKey, stream: 0 }
    const promise = { ...ref, epoch: 1, member: 0, signature: `0x${'11'.repeat(64)}` as const }
    for (const [first, count, before] of [
      [0, 9, 900],
      [0, 25, 1_000],
      [0, 40, 2_000],
    ] as const) {
      store.signTally(ref, first, count, sign)
      store.keepPromise({ ...promise, first, count, before })
    }
    const forced = (cursor: number, clock?: number) => {
      const group = forceGroup({ store, ref, cursor, worker: 513, sign, ...(clock === undefined ? {} : { clock }) })
      return [group?.tally.first, group?.tally.count]
    }
    expect(forced(5, 1_500)).to.deep.equal([0, 25])
    expect(forced(5, 1_000)).to.deep.equal([0, 9])
    expect(forced(25, 1_500)).to.deep.equal([25, 125])
    expect(forced(5)).to.deep.equal([5, 105])
    expect(store.promises(2, 5).map(({ count, before }) => [count, before])).to.deep.equal([
      [25, 1_000],
      [40, 2_000],
    ])
  })

  it('puts the groups in the order the chain demands, each under its worker’s signature', () => {
    const { batch, receipts } = buildForceBatch({ groups: groups(), domain, sender })
    const { lane, groups: forced } = decoded(batch)
    expect([lane, receipts]).to.deep.equal([Lane.Forced, 200])
    expect(forced.map(({ dealId, stream, first }) => [dealId, stream, first])).to.deep.equal([
      [7, 0, 20],
      [7, 3, 20],
    ])
    for (const group of forced) {
      const digest = tallyDigest(tallyOfGroup(group, dealKey), domain)
      expect(recoverCompact(digest, group.signature)).to.equal(identity.worker)
    }
  })

  it('authorises exactly this batch for exactly this sender', () => {
    const { batch, root, authority } = buildForceBatch({ groups: groups(), domain, sender, sign: signDigest })
    const groupHashes = decoded(batch).groups.map((group) => groupHash(tallyOfGroup(group, dealKey)))
    expect(root).to.equal(batchRoot({ mode: Mode.Calldata, groupHashes }))
    expect(recoverCompact(forceDigest({ root, sender }, domain), authority)).to.equal(identity.worker)
    const other = forceDigest({ root, sender: identity.worker }, domain)
    expect(recoverCompact(other, authority)).not.to.equal(identity.worker)
  })

  it('needs no authority from the provider itself', () => {
    expect(buildForceBatch({ groups: groups(), domain, sender }).authority).to.equal('0x')
  })

  it('says where a deal’s facts stand in code', () => {
    const placed = groups().map((group) => ({ ...group, place: 256 }))
    const { batch, root } = buildForceBatch({ groups: placed, domain, sender })
    expect(decoded(batch).groups.map(({ place }) => place)).to.deep.equal([256, undefined])
    expect(root).to.equal(buildForceBatch({ groups: groups(), domain, sender }).root)
  })

  it('is refused without receipts, and for a stream nobody knows', () => {
    expect(() => buildForceBatch({ groups: [], domain, sender })).to.throw('nothing to force')
    expect(() => groupOf(9, 0)).to.throw('has no stream 9')
  })
})
