/**
 * One life of netted deals, step by step: bonds, batches, forces, stops and closings as honest people make them, and what
 * a committee of liars and impatient others try that the contracts must refuse.
 *
 * What only blobs tell is not here: no contract refuses it, whatever is planted into them.
 *
 * @module
 */

import { encodeFunctionData, type Hex } from 'viem'
import { committeeAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { encodeNetBatch, type NetBatch } from '#protocol/net-batch.ts'
import { type BuiltNetBatch, NetBuildError, type NetOrder } from '#protocol/net-build.ts'

import { bondCall, type NetScenario, type NetSending } from './net-scenario.ts'
import {
  type Actor,
  actorOf,
  type DealHand,
  type Mined,
  type ProviderHand,
  type Scenario,
  type Segment,
} from './scenario.ts'
import type { Story } from './story.ts'

const HOUR = 3600
const DAY = 24 * HOUR
const TOKEN = 10n ** 18n
/** Whole stake tokens that each member bonds: two of them answer for 20 dollars. */
const BOND = 10n

type Deals = Record<'wide' | 'side' | 'poor' | 'small' | 'unused' | 'hidden', DealHand>
type Cast = { alice: ProviderHand; carol: ProviderHand; deals: Deals }

/** The same batch with another wire. */
function rewired(built: BuiltNetBatch, change: Partial<NetBatch>): BuiltNetBatch {
  const batch = { ...built.batch, ...change }
  return { ...built, batch, encoded: encodeNetBatch(batch) }
}

/** Nets with one of them changed. */
function moreFor(nets: NetBatch['providers'], of: number, amount: bigint): NetBatch['providers'] {
  return nets.map((net) => (net.of === of ? { of, amount: net.amount + amount } : net))
}

/** Plays the story; no step stops it, whatever comes of it. */
export async function playNetStory(scenario: Scenario, nets: NetScenario): Promise<Story> {
  const { deployment, members, submit } = scenario
  const steps = new Map<string, Mined>()
  const [bob, eve, anyone] = [actorOf('bob'), actorOf('eve'), actorOf('anyone')]

  const note = async (name: string, step: Promise<Mined>): Promise<Mined> => {
    const mined = await step
    steps.set(name, mined)
    return mined
  }
  /** Builds and settles a batch, unless an earlier step did what it must not and left nothing to go on from. */
  const settle = async (
    name: string,
    segments: readonly Segment[],
    {
      change,
      order,
      ...sending
    }: NetSending & {
      /** What members attest instead of it. */
      change?: (built: BuiltNetBatch) => BuiltNetBatch | Promise<BuiltNetBatch>
      order?: Partial<NetOrder>
    } = {},
  ): Promise<void> => {
    try {
      const built = await nets.build(segments, order)
      await note(name, nets.settle((await change?.(built)) ?? built, sending))
    } catch (error) {
      if (!(error instanceof NetBuildError)) throw error
    }
  }
  const act = async (name: string, actor: Actor, data: Hex): Promise<Mined> =>
    await note(name, submit(actor, deployment.settlement, data))

  async function gather(): Promise<Cast> {
    const [bonded] = await nets.bond(BOND)
    if (bonded !== undefined) steps.set('bond', bonded)
    const alice = await scenario.join('alice', 1000n * TOKEN, ['alice 1', 'alice 2'])
    const carol = await scenario.join('carol', TOKEN, ['carol 1'])
    await scenario.deposit(bob, 100_000_000n)
    await scenario.deposit(eve, 50_000_000n)
    const open = async (
      name: string,
      [provider, buyer, byte]: readonly [ProviderHand, Actor, string],
      budget: bigint,
      openingFee = 0n,
    ): Promise<DealHand> => {
      const offer = { openingFee, salt: `0x${byte.repeat(32)}` as Hex }
      const { deal, mined } = await nets.open(provider, buyer, { offer, terms: { budget, duration: 2 * DAY } })
      steps.set(name, mined)
      return deal
    }
    const wide = await open('open', [alice, bob, '01'], 40_000_000n)
    const side = await open('open-side', [alice, eve, '02'], 20_000_000n)
    const poor = await open('open-poor', [carol, bob, '03'], 5_000_000n)
    const small = await open('open-small', [alice, eve, '04'], 70_000n)
    const unused = await open('open-unused', [alice, eve, '05'], 20_000n, 2000n)
    const hidden = await open('open-hidden', [alice, bob, '06'], 3_000_000n)
    return { alice, carol, deals: { wide, side, poor, small, unused, hidden } }
  }

  /** Batches as they should be. */
  async function settleHonestly({ deals }: Cast): Promise<void> {
    const { wide, side, poor, small } = deals
    const first = [scenario.work(wide, 0, [10, 20, 30]), scenario.work(wide, 1, [40]), scenario.work(side, 0, [50])]
    await settle('batch', [...first, scenario.work(poor, 0, [60])])
    const second = [scenario.work(wide, 0, [70]), scenario.work(small, 0, [200]), scenario.work(side, 1, [5])]
    await settle('next-batch', second)
  }

  /** What the contracts see of a batch by themselves. */
  async function settleWrongly({ alice, carol, deals }: Cast): Promise<void> {
    const { wide, side, poor } = deals
    const alone = (units: number): Segment[] => {
      const receipts = [{ units: BigInt(units), workHash: scenario.receiptHash(wide, 1, units) }]
      return [scenario.segmentAt(wide, 1, { first: 1, unitsBefore: 40n }, receipts)]
    }
    const late = async (built: BuiltNetBatch) => rewired(built, { until: (await nets.clock()) - 60 })
    await settle('expired', alone(1), { change: late })
    await settle('by-one', alone(2), { signers: members.slice(0, 1) })
    const wired =
      (change: (batch: NetBatch) => Partial<NetBatch>) =>
      (built: BuiltNetBatch): BuiltNetBatch =>
        rewired(built, change(built.batch))
    const unbalanced = wired(({ providers }) => ({ providers: moreFor(providers, alice.id, 999n) }))
    await settle('unbalanced', alone(3), { change: unbalanced })
    const falling = wired(({ providers }) => ({ providers: [...providers, { of: alice.id, amount: 0n }] }))
    await settle('falling', alone(3), { change: falling })
    const overdrawn = wired(({ buyers, providers }) => ({
      buyers: [...buyers, { of: 7, amount: 5n }],
      providers: moreFor(providers, alice.id, 5n),
    }))
    await settle('overdrawn', alone(3), { change: overdrawn })
    const uncovered = wired(({ buyers, providers }) => ({
      buyers: moreFor(buyers, 0, 2_000_000n),
      providers: [...providers, { of: carol.id, amount: 2_000_000n }],
    }))
    await settle('uncovered', alone(3), { change: uncovered })
    await settle('beyond-bonds', alone(30_000))
    const empty = { blobs: [], providers: [], buyers: [], root: `0x${'ab'.repeat(32)}` as Hex }
    await settle('nothing-recorded', alone(3), { change: (built) => ({ ...rewired(built, empty), blobs: [] }) })
    await settle('after-liars', [scenario.work(side, 0, [6]), scenario.work(poor, 0, [7])])
  }

  /** Groups that the provider's side brings in by itself. */
  async function force({ alice, deals }: Cast): Promise<void> {
    const { wide, side } = deals
    const forced = scenario.work(wide, 1, [77, 78])
    const tooFast = scenario.segmentAt(side, 1, { first: 1, unitsBefore: 5n }, [
      { units: 15_000_000n, workHash: scenario.receiptHash(side, 1, 1) },
    ])
    await note('announce-too-fast', nets.announce(tooFast, alice.owner))
    await note('announce-by-stranger', nets.announce(forced, anyone))
    await note('announce', nets.announce(forced, alice.owner))
    await nets.awaitQuarter()
    await note('execute-early', nets.execute(0, forced))
    await scenario.elapse(HOUR)
    const receipts = [{ units: 1n, workHash: scenario.receiptHash(side, 0, 2) }]
    await settle('left-out', [scenario.segmentAt(side, 0, { first: 2, unitsBefore: 56n }, receipts)])
    await nets.awaitQuarter(false)
    await note('execute-late', nets.execute(0, forced))
    await nets.awaitQuarter()
    await note('execute', nets.execute(0, forced))
    await note('execute-again', nets.execute(0, forced))
    await scenario.elapse(HOUR)
    await settle('after-force', [scenario.work(wide, 1, [3])], { order: { queueTo: 1 } })
  }

  async function stop({ deals }: Cast): Promise<void> {
    await note('stop-early', nets.end('stopNet', deals.side.id))
    await note('stop-used-up', nets.end('stopNet', deals.small.id))
    const data = encodeFunctionData({ abi: settlementAbi, functionName: 'stop', args: [deals.side.id] })
    await act('stop', eve, data)
  }

  /** Members' bonds go, and others' are read. */
  async function replaceBonds({ deals }: Cast): Promise<void> {
    const [member] = members
    if (member === undefined) return
    const thaw = bondCall('thawBond', member.address, member.address, 4n * TOKEN)
    await note('thaw-bond', submit(nets.bonder, deployment.registry, thaw))
    const exit = bondCall('withdrawBond', member.address, nets.bonder.address)
    await note('withdraw-bond-early', submit(nets.bonder, deployment.registry, exit))
    const seats = members.map(({ address }, i) => ({ signer: address, endpoint: `http://127.0.0.1:${9200 + i}` }))
    const args = [seats, scenario.threshold] as const
    const epoch = encodeFunctionData({ abi: committeeAbi, functionName: 'setMembers', args })
    await note('new-epoch', submit(scenario.deployer, deployment.committee, epoch))
    await act('refresh', anyone, encodeFunctionData({ abi: settlementAbi, functionName: 'refreshBonds' }))
    await settle('next-epoch', [scenario.work(deals.wide, 0, [8])], { epoch: 2 })
  }

  async function close({ alice, deals }: Cast): Promise<void> {
    const { wide, side, poor, small, unused, hidden } = deals
    await scenario.elapse(2 * HOUR)
    await note('close-early', nets.end('closeNet', small.id))
    await scenario.elapse(3 * HOUR)
    await note('close', nets.end('closeNet', small.id))
    await note('close-stopped', nets.end('closeNet', side.id))
    await scenario.elapse(2 * DAY)
    await note('close-unused', nets.end('closeNet', unused.id))
    await note('close-unproven-early', nets.closeUnproven(hidden.id))
    await note('close-wide', nets.end('closeNet', wide.id))
    const claim = encodeFunctionData({ abi: settlementAbi, functionName: 'claim', args: [alice.id] })
    await act('claim', anyone, claim)
    await scenario.elapse(5 * DAY)
    await note('close-unproven', nets.closeUnproven(hidden.id))
    await note('close-last', nets.end('closeNet', poor.id))
    await act('claim-again', anyone, claim)
    const [member] = members
    if (member === undefined) return
    const exit = bondCall('withdrawBond', member.address, nets.bonder.address)
    await note('withdraw-bond', submit(nets.bonder, deployment.registry, exit))
  }

  const cast = await gather()
  await scenario.elapse(HOUR)
  await settleHonestly(cast)
  await settleWrongly(cast)
  await force(cast)
  await stop(cast)
  await replaceBonds(cast)
  await close(cast)
  return { steps }
}
