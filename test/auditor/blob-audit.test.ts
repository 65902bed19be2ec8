/** @module */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect } from 'chai'
import { network } from 'hardhat'
import { encodeFunctionData, type Hex } from 'viem'

import { audit } from '#auditor/audit.ts'
import { createBlobArchive } from '#auditor/blobs.ts'
import { createChainSource } from '#auditor/chain-source.ts'
import type { AuditReport } from '#auditor/report.ts'
import type { Source } from '#auditor/source.ts'
import { createRecorder, createTapeSource, parseTape } from '#auditor/tape.ts'
import { settlementAbi } from '#protocol/abi.generated.ts'
import { encodeBatch } from '#protocol/batch.ts'
import { batchRoot, groupHash } from '#protocol/batch-root.ts'
import { type PackedBatch, packBlobBatch } from '#protocol/blob-batch.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { commitBlobs } from '#runtime/blob-transaction.ts'
import { createKzg } from '#runtime/kzg.ts'
import { artifactsIn } from '#test/support/artifacts.ts'
import { type BlobRelay, createBlobRelay } from '#test/support/blob-relay.ts'
import type { Rpc } from '#test/support/rpc.ts'
import {
  actorOf,
  createScenario,
  type DealHand,
  receiptOf,
  type Scenario,
  type Segment,
} from '#test/support/scenario.ts'

const HOUR = 3600
const kzg = createKzg()

/** Blobs by versioned hash, served as any archive does. */
type Shelf = Map<string, Uint8Array>

describe('an audit of batches in blobs', function () {
  this.timeout(120_000)
  let server: Server
  let archive: string
  let shelf: Shelf
  let scenario: Scenario
  let relay: BlobRelay
  let deal: DealHand
  let close: () => Promise<void>

  before(async () => {
    server = createServer((request, response) => {
      const blob = shelf.get(request.url?.replace('/v1/blobs/', '') ?? '')
      response.writeHead(blob === undefined ? 404 : 200).end(blob ?? '')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    archive = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(async () => {
    shelf = new Map()
    const connection = await network.create({ network: 'osaka' })
    const { provider } = connection
    close = () => connection.close()
    const rpc: Rpc = { request: async ({ method, params }) => await provider.request({ method, params: params ?? [] }) }
    scenario = await createScenario({ rpc, artifact: artifactsIn('artifacts') })
    relay = createBlobRelay(rpc, scenario.client, kzg)
    const alice = await scenario.join('alice', 10n ** 24n, ['alice 1', 'alice 2'])
    const bob = actorOf('bob')
    await scenario.deposit(bob, 5_000_000_000n)
    ;({ deal } = await scenario.open(alice, bob))
    await scenario.elapse(2 * HOUR)
  })
  afterEach(() => close())

  /** Settles segments in blobs, changed by `wound` before anybody commits to them; the archive gets what was sent. */
  async function settleInBlobs(
    segments: readonly Segment[],
    options: { lane?: number; wound?: (packed: PackedBatch) => void } = {},
  ): Promise<Hex> {
    const { lane = Lane.Attested, wound } = options
    const packed = packBlobBatch(
      lane,
      segments.map(({ group }) => group),
    )
    wound?.(packed)
    const committed = await commitBlobs(kzg, packed.blobs)
    for (const { blob, versionedHash } of committed) shelf.set(versionedHash, blob)
    const root = batchRoot({
      mode: Mode.Blob,
      groupHashes: segments.map(({ tally }) => groupHash(tally)),
      blobs: committed.map(({ versionedHash }, index) => ({
        versionedHash,
        groups: packed.batch.blobs[index]?.groups ?? 0,
      })),
    })
    const args = [encodeBatch(packed.batch), lane === Lane.Attested ? scenario.attestRoot(root) : '0x'] as const
    const data = encodeFunctionData({ abi: settlementAbi, functionName: 'settle', args })
    const hash = await relay.send(scenario.deployment.settlement, data, packed.blobs)
    const { status } = await scenario.client.waitForTransactionReceipt({ hash, pollingInterval: 20 })
    expect(status).to.equal('success')
    return hash
  }

  function sourceWith(archives: readonly string[]): Source {
    const readBlob = createBlobArchive({ kzg, archives, timeoutMs: 2_000 })
    return createChainSource({ client: scenario.client, name: 'the test chain', readBlob })
  }
  const run = async (source: Source): Promise<AuditReport> =>
    await audit({ source, address: scenario.deployment.settlement })
  const found = ({ discrepancies }: AuditReport) => discrepancies.map(({ kind, tx, group }) => [kind, tx, group])

  it('re-derives every receipt of both modes and two lanes, and does so again from a file', async () => {
    await settleInBlobs([scenario.work(deal, 0, [1, 200, 3000]), scenario.work(deal, 1, [5])])
    await settleInBlobs([scenario.acknowledged(scenario.work(deal, 0, [77]))], { lane: Lane.Acknowledged })
    await scenario.settle([scenario.work(deal, 1, [8, 9])])
    const recorder = createRecorder(sourceWith([archive]))
    const report = await run(recorder.source)
    expect(found(report)).to.deep.equal([])
    expect(report.totals).to.include({ batches: 3, groups: 4, applied: 4, receipts: 7 })
    expect(report.totals.units).to.equal(3300n)
    expect(report.reExecution).to.deep.equal({ reExecuted: 0, notReExecuted: 7 })

    const tape = JSON.stringify(recorder.tape())
    shelf.clear()
    expect(await run(createTapeSource(parseTape(tape)))).to.deep.equal(report)
  })

  it('passes nothing that it could not read: without an archive every group in a blob is named', async () => {
    const tx = await settleInBlobs([scenario.work(deal, 0, [1, 2]), scenario.work(deal, 1, [5])])
    await scenario.settle([scenario.work(deal, 1, [8])])
    const named = [
      ['unreadable', tx, 0],
      ['unreadable', tx, 1],
    ]
    expect(found(await run(sourceWith([])))).to.deep.equal(named)
    // an archive that gives another blob is none
    for (const hash of shelf.keys()) shelf.set(hash, new Uint8Array(131_072))
    const report = await run(sourceWith([archive]))
    expect(found(report)).to.deep.equal(named)
    expect(report.reExecution).to.deep.equal({ reExecuted: 0, notReExecuted: 1 })
    expect(report.invariants.every(({ ok }) => ok)).to.equal(true)
  })

  it('names the group whose blob never held what its worker signed', async () => {
    // two groups of two receipts: entries in elements 0 and 1, bytes in 2..4 and 5..7
    const wound = ({ blobs: [blob] }: PackedBatch) => blob?.fill(0xee, 32 * 6 + 1, 32 * 6 + 9)
    const tx = await settleInBlobs([scenario.work(deal, 0, [1, 2]), scenario.work(deal, 1, [5, 6])], { wound })
    expect(found(await run(sourceWith([archive])))).to.deep.equal([['receipts', tx, 1]])
  })

  it('names the group that was paid for more units than its receipts have', async () => {
    const receipts = [receiptOf('one', 10), receiptOf('two', 20)]
    const segment = scenario.segmentAt(deal, 0, { first: 0, unitsBefore: 5n }, receipts)
    const tx = await settleInBlobs([segment])
    expect(found(await run(sourceWith([archive])))).to.deep.equal([['receipts', tx, 0]])
  })
})
