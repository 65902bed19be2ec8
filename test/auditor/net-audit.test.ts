/**
 * What only the blobs of a net batch tell: members attest a batch that lies, the contracts settle it, and an audit names
 * the transaction and the lie.
 *
 * @module
 */
import { expect } from 'chai'
import { network } from 'hardhat'
import { concat, encodeFunctionData, getContractAddress, type Hex } from 'viem'

import { audit } from '#auditor/audit.ts'
import { createChainSource } from '#auditor/chain-source.ts'
import type { AuditReport } from '#auditor/report.ts'
import type { Source } from '#auditor/source.ts'
import { createRecorder, createTapeSource, parseTape } from '#auditor/tape.ts'
import { committeeAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { tallyDigest } from '#protocol/eip712.ts'
import type { BuiltNetBatch } from '#protocol/net-build.ts'
import type { DealRecord, GroupRecord } from '#protocol/net-records.ts'
import type { NetState } from '#protocol/net-state.ts'
import { signCompact } from '#protocol/signature.ts'
import { artifactsIn } from '#test/support/artifacts.ts'
import { changed, type Forgery, forged } from '#test/support/net-forging.ts'
import { createNetScenario, type NetScenario } from '#test/support/net-scenario.ts'
import { kzg } from '#test/support/netting.ts'
import type { Rpc } from '#test/support/rpc.ts'
import {
  actorOf,
  createScenario,
  type DealHand,
  type Mined,
  type ProviderHand,
  receiptOf,
  type Scenario,
  type Segment,
} from '#test/support/scenario.ts'
import { STORY_PARAMETERS } from '#test/support/story.ts'

// Calls the address in the first 20 bytes of its input with the rest, and reverts when that does.
const FORWARDER: Hex = '0x601e8060095f395ff3601436038060145f375f5f825f5f5f3560601c5af115601a57005b5f5ffd'
const HOUR = 3600
const TOKEN = 10n ** 18n
const ANY_ROOT: Hex = `0x${'ab'.repeat(32)}`

/** What an audit found, by kind and group. */
const found = ({ discrepancies }: AuditReport) =>
  [...new Set(discrepancies.map(({ kind, group }) => `${kind} ${group ?? ''}`.trim()))].sort()

/** Group records with the first one paid `more`, and totals that go with it. */
function paidMore(records: readonly GroupRecord[], more: bigint): GroupRecord[] {
  const [first] = records
  return records.map((record, index) => ({
    ...record,
    amount: index === 0 ? record.amount + more : record.amount,
    providerTotal: record.provider === first?.provider ? record.providerTotal + more : record.providerTotal,
  }))
}

/** The same of deal records. */
function billedMore(records: readonly DealRecord[], more: bigint): DealRecord[] {
  const [first] = records
  return records.map((record, index) => ({
    ...record,
    amount: index === 0 ? record.amount + more : record.amount,
    buyerTotal: record.buyer === first?.buyer ? record.buyerTotal + more : record.buyerTotal,
  }))
}

/** Nets with the first provider's and the first buyer's higher by `more`. */
const wiredMore =
  (more: bigint): NonNullable<Forgery['wire']> =>
  ({ providers, buyers }) => ({
    providers: changed(providers, 0, { amount: (providers[0]?.amount ?? 0n) + more }),
    buyers: changed(buyers, 0, { amount: (buyers[0]?.amount ?? 0n) + more }),
  })

const group = (index: number, change: Partial<GroupRecord>): Forgery => ({
  groups: (records) => changed(records, index, change),
})
const deal = (index: number, change: Partial<DealRecord>): Forgery => ({
  deals: (records) => changed(records, index, change),
})

/** What a test goes back to. */
type Start = { snapshot: unknown; state: NetState; blobs: ReadonlySet<string> }

describe('an audit of net batches', function () {
  this.timeout(120_000)
  let scenario: Scenario
  let nets: NetScenario
  let shelf: Map<string, Uint8Array>
  let rpc: Rpc
  let close: () => Promise<void>
  let [alice, carol]: ProviderHand[] = []
  let deals: Record<'wide' | 'side' | 'poor' | 'tight' | 'brief', DealHand>
  let work: Segment[]
  let start: Start

  /** Deals 1 and 4 are between alice and bob, 2 and 5 between alice and eve, 3 between carol and bob; some is settled. */
  async function begin(): Promise<void> {
    const connection = await network.create({ network: 'osaka' })
    const { provider } = connection
    close = () => connection.close()
    rpc = { request: async ({ method, params }) => await provider.request({ method, params: params ?? [] }) }
    scenario = await createScenario({ rpc, artifact: artifactsIn('artifacts'), parameters: STORY_PARAMETERS })
    shelf = new Map()
    nets = createNetScenario(scenario, kzg, shelf)
    await nets.bond(100n)
    alice = await scenario.join('alice', 1000n * TOKEN, ['alice 1'])
    carol = await scenario.join('carol', 1000n * TOKEN, ['carol 1'])
    const [bob, eve] = [actorOf('bob'), actorOf('eve')]
    await scenario.deposit(bob, 100_000_000n)
    await scenario.deposit(eve, 100_000_000n)
    const salt = (byte: string) => ({ salt: `0x${byte.repeat(32)}` as Hex })
    const terms = { budget: 20_000_000n }
    const { deal: wide } = await nets.open(alice, bob, { terms, offer: salt('01') })
    const { deal: side } = await nets.open(alice, eve, { terms, offer: salt('02') })
    const { deal: poor } = await nets.open(carol, bob, { terms, offer: salt('03') })
    const { deal: tight } = await nets.open(alice, bob, { terms: { ...terms, exposure: 10n }, offer: salt('04') })
    const short = { ...terms, duration: HOUR }
    const { deal: brief } = await nets.open(alice, eve, { terms: short, offer: salt('05') })
    deals = { wide, side, poor, tight, brief }
    await scenario.elapse(HOUR)
    await nets.settle(await nets.build([scenario.work(wide, 0, [10, 20]), scenario.work(side, 0, [30])]))
    // as records stand: groups 0 and 1 of deal 1, 2 of deal 2, 3 of deal 3; deals 1 and 3 of bob, then 2 of eve
    work = [
      scenario.work(wide, 0, [40, 50]),
      scenario.work(wide, 1, [60]),
      scenario.work(side, 0, [70]),
      scenario.work(poor, 0, [80]),
    ]
  }

  before(begin)
  after(() => close())
  beforeEach(async () => {
    start = await keep()
  })
  afterEach(async () => await goBack(start))

  const keep = async (): Promise<Start> => ({
    snapshot: await rpc.request({ method: 'evm_snapshot' }),
    state: nets.books.state,
    blobs: new Set(shelf.keys()),
  })

  async function goBack({ snapshot, state, blobs }: Start): Promise<void> {
    await rpc.request({ method: 'evm_revert', params: [snapshot] })
    nets.books.state = state
    for (const hash of [...shelf.keys()]) if (!blobs.has(hash)) shelf.delete(hash)
  }

  const sourceOf = (): Source =>
    createChainSource({
      client: scenario.client,
      name: 'the test chain',
      readBlob: async (hash) => shelf.get(hash) ?? null,
    })
  const run = async (source = sourceOf()): Promise<AuditReport> =>
    await audit({ source, address: scenario.deployment.settlement })

  /** Lets members attest and settle a batch that lies; what an audit finds in that transaction, and nowhere else. */
  async function named(forgery: Forgery, honest?: BuiltNetBatch): Promise<string[]> {
    const truth = await keep()
    const { hash, succeeded } = await nets.settle(forged(honest ?? (await nets.build(work)), forgery))
    expect(succeeded).to.equal(true)
    const report = await run()
    await goBack(truth)
    expect(new Set(report.discrepancies.map(({ tx }) => tx))).to.deep.equal(new Set([hash]))
    return found(report)
  }

  it('re-derives every receipt of honest ones, and does so again from a file', async () => {
    await nets.settle(await nets.build(work))
    const recorder = createRecorder(sourceOf())
    const report = await run(recorder.source)
    expect(report.discrepancies).to.deep.equal([])
    expect(report.totals).to.include({ batches: 2, groups: 6, applied: 6, receipts: 8, units: 360n, paid: 252_000n })
    expect(report.invariants.every(({ ok }) => ok)).to.equal(true)
    const tape = JSON.stringify(recorder.tape())
    expect(await run(createTapeSource(parseTape(tape)))).to.deep.equal(report)
  })

  describe('names what a committee of liars attests', () => {
    it('a group that is paid more than its units are worth', async () => {
      const forgery = {
        groups: (records: readonly GroupRecord[]) => paidMore(records, 5n),
        deals: (records: readonly DealRecord[]) => billedMore(records, 5n),
        wire: wiredMore(5n),
      }
      expect(await named(forgery)).to.deep.equal(['price', 'price 0'])
    })

    it('a worker of another provider, or of nobody', async () => {
      const index = carol?.workers[0]?.index ?? 0
      expect(await named(group(0, { worker: index }))).to.deep.equal(['signature 0'])
    })

    it('work that its worker never signed', async () => {
      const forger = actorOf('nobody')
      const tally = work[2]?.tally ?? expect.fail('no work')
      const signature = signCompact(tallyDigest(tally, scenario.domain), forger.key)
      expect(await named(group(2, { signature }))).to.deep.equal(['signature 2'])
    })

    it('receipts that stand nowhere', async () => {
      const hide = {
        receipts: (all: readonly Uint8Array[]) => all.map((one, i) => (i === 1 ? new Uint8Array(one.length) : one)),
      }
      expect(await named(hide)).to.deep.equal(['receipts 1'])
      expect(await named(group(1, { start: 3 }))).to.deep.equal(['net-malformed', 'receipts 1'])
    })

    it('receipts in a blob that nobody gives', async () => {
      const [first, ...rest] = work
      const settled = await nets.settle(await nets.build(first === undefined ? [] : [first]))
      for (const hash of [...shelf.keys()]) if (!start.blobs.has(hash)) shelf.delete(hash)
      // what comes after it is read, though nobody knows any more where its streams stood
      await nets.settle(await nets.build(rest))
      const report = await run()
      expect(report.discrepancies.map(({ kind, tx }) => [kind, tx])).to.deep.equal([['unreadable', settled.hash]])
      expect(report.totals).to.include({ batches: 3, groups: 5 })
    })

    it('a net root that its deals do not make', async () => {
      const root = { root: ANY_ROOT }
      const forgery = { deals: (records: readonly DealRecord[]) => changed(records, 2, root), wire: () => root }
      expect(await named(forgery)).to.deep.equal(['net-root'])
      expect(await named(deal(1, root))).to.deep.equal(['net-root'])
    })

    it('a false root once, and not again with every batch after it', async () => {
      const [first, ...rest] = work
      const root = { root: ANY_ROOT }
      const honest = await nets.build(first === undefined ? [] : [first])
      const lie = await nets.settle(forged(honest, { deals: (records) => changed(records, 0, root), wire: () => root }))
      const next = await nets.settle(await nets.build(rest))
      expect([lie.succeeded, next.succeeded]).to.deep.equal([true, true])
      const report = await run()
      expect(report.discrepancies.map(({ kind, tx }) => [kind, tx])).to.deep.equal([
        ['net-root', lie.hash],
        ['net-root', lie.hash],
      ])
    })

    it('receipts that were settled and paid before', async () => {
      const [again] = work
      if (again === undefined || alice === undefined) return
      const honest = await nets.build([again])
      const whole = await nets.settle(honest)
      expect(whole.succeeded).to.equal(true)
      const repeated = forged(honest, {})
      const { hash } = await nets.settle(repeated)
      const report = await run()
      expect(new Set(report.discrepancies.map(({ tx }) => tx))).to.deep.equal(new Set([hash]))
      expect(found(report)).to.deep.equal(['duplicate-task 0', 'net-state 0'])
    })

    it('a deal that stands elsewhere than its first group says', async () => {
      const honest = await nets.build(work.slice(2, 3))
      const [record] = honest.groups
      const dealUnits = (record?.dealUnits ?? 0n) + 9n
      expect(await named(group(0, { dealUnits }), honest)).to.deep.equal(['net-state 0'])
    })

    it('records that do not rise', async () => {
      const swap = (records: readonly GroupRecord[]) => {
        const [first, second, ...others] = records
        return first === undefined || second === undefined ? [] : [second, first, ...others]
      }
      const names = await named({ groups: swap, receipts: ([a, b, ...others]) => (a && b ? [b, a, ...others] : []) })
      expect(names).to.include('net-order 1')
    })

    it('totals that records do not make', async () => {
      expect(await named(group(1, { providerTotal: 1n }))).to.deep.equal(['net-total 1', 'net-total 2'])
      const honest = await nets.build(work)
      const dealUnits = (honest.groups[1]?.dealUnits ?? 0n) + 1n
      expect(await named(group(1, { dealUnits }))).to.include('net-total 1')
    })

    it('nets that records do not make', async () => {
      expect(await named({ wire: wiredMore(1n) })).to.deep.equal(['net-sum'])
      const extra = ({ providers, buyers }: BuiltNetBatch['batch']) => ({
        providers: [...providers, { of: 9, amount: 0n }],
        buyers,
      })
      expect(await named({ wire: extra })).to.deep.equal(['net-sum'])
    })

    it('groups and deals that do not name each other', async () => {
      expect(await named(group(0, { dealRecord: 2 }))).to.deep.equal(['net-link 0'])
      expect(await named(deal(0, { lastGroup: 2 }))).to.deep.equal(['net-link'])
    })

    it('a deal that is billed to another buyer, or is none', async () => {
      expect(await named(deal(0, { dealId: 99 }))).to.include('net-deal')
      expect(await named(group(3, { provider: 7 }))).to.include('net-deal 3')
      const unknown = await named(group(3, { dealId: 99 }))
      expect(unknown).to.include('net-deal 3')
    })

    it('elements that carry no bytes, or bytes of nobody', async () => {
      const broken = { blobs: ([blob]: readonly Uint8Array[]) => blob?.set([1], 32 * 2) }
      expect(await named(broken)).to.deep.equal(['net-malformed'])
      const stray = { blobs: ([blob]: readonly Uint8Array[]) => blob?.set([1], 32 * 4095 + 5) }
      expect(await named(stray)).to.deep.equal(['net-malformed'])
    })

    it('work that is faster than its deal allows', async () => {
      const fast = scenario.segmentAt(deals.side, 1, { first: 0, unitsBefore: 0n }, [receiptOf('fast', 2_000_000)])
      expect(await named({}, await nets.build([fast]))).to.deep.equal(['rate 0'])
    })

    it('work beyond what its buyer exposes', async () => {
      const beyond = scenario.segmentAt(deals.tight, 0, { first: 0, unitsBefore: 0n }, [receiptOf('beyond', 11)])
      expect(await named({}, await nets.build([beyond]))).to.deep.equal(['exposure 0'])
    })

    it('a batch that could be settled hours later', async () => {
      const wire = ({ until }: BuiltNetBatch['batch']) => ({ until: until + HOUR })
      expect(await named({ wire })).to.deep.equal(['net-until'])
    })

    it('groups that go on from nowhere', async () => {
      expect(await named(group(3, { cursorBefore: 1 }))).to.include('stream 3')
    })
  })

  // these send as others do, whose nonces no snapshot takes back
  describe('on a chain of its own', () => {
    beforeEach(async () => {
      await close()
      await begin()
      start = await keep()
    })

    /** Anybody's contract: it calls the settlement with what it is given. */
    async function throughWallet(data: Hex): Promise<Mined> {
      const owner = actorOf('wallet owner')
      const nonce = BigInt(await scenario.client.getTransactionCount({ address: owner.address }))
      await scenario.send(owner, null, FORWARDER)
      const wallet = getContractAddress({ from: owner.address, nonce })
      return await scenario.send(owner, wallet, concat([scenario.deployment.settlement, data]))
    }

    it('follows bonds that were read through another contract', async () => {
      const { members, threshold, deployment } = scenario
      const seats = members.map(({ address }) => ({ signer: address, endpoint: 'http://127.0.0.1:9300' }))
      const args = [seats, threshold] as const
      const epoch = encodeFunctionData({ abi: committeeAbi, functionName: 'setMembers', args })
      await scenario.send(scenario.deployer, deployment.committee, epoch)
      await throughWallet(encodeFunctionData({ abi: settlementAbi, functionName: 'refreshBonds' }))
      const { succeeded } = await nets.settle(await nets.build(work), { epoch: 2 })
      expect(succeeded).to.equal(true)
      expect((await run()).discrepancies).to.deep.equal([])
    })

    it('reads a group that another contract executed from the trace, and calls it unreadable where the node does not trace', async () => {
      const forced = scenario.segmentAt(deals.side, 1, { first: 0, unitsBefore: 0n }, [receiptOf('forced', 9)])
      const announced = await nets.announce(forced, alice?.owner ?? actorOf('nobody'))
      await scenario.elapse(HOUR)
      await nets.awaitQuarter()
      const { hash, succeeded } = await nets.execute(0, forced, throughWallet)
      expect([announced.succeeded, succeeded]).to.deep.equal([true, true])
      await nets.settle(await nets.build(work, { queueTo: 1 }))
      expect((await run()).discrepancies).to.deep.equal([])
      const blind = await run({ ...sourceOf(), trace: async () => null })
      expect(blind.discrepancies[0]).to.include({ kind: 'unreadable', tx: hash })
      expect(new Set(blind.discrepancies.map(({ tx }) => tx))).to.deep.equal(new Set([hash]))
    })

    it('names work for a deal that is closed', async () => {
      const late = scenario.segmentAt(deals.brief, 0, { first: 0, unitsBefore: 0n }, [receiptOf('late', 1)])
      await scenario.elapse(6 * HOUR)
      const { succeeded } = await nets.end('closeNet', deals.brief.id)
      expect(succeeded).to.equal(true)
      await scenario.elapse(HOUR)
      expect(await named({}, await nets.build([late]))).to.deep.equal(['net-deal', 'net-deal 0'])
    })

    it('names work of a worker that was revoked', async () => {
      const { id = 0, owner = actorOf('nobody'), workers } = alice ?? {}
      const clock = await nets.clock()
      const args = [id, workers?.[0]?.index ?? 0, clock + 25 * HOUR] as const
      const revoke = encodeFunctionData({ abi: registryAbi, functionName: 'revokeWorker', args })
      await scenario.send(owner, scenario.deployment.registry, revoke)
      await scenario.elapse(26 * HOUR)
      expect(await named({}, await nets.build(work.slice(2, 3)))).to.deep.equal(['signature 0'])
    })
  })
})
