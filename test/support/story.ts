/**
 * One life of a settlement, step by step, with every honest thing people do and every dishonest thing they try.
 *
 * On the real contracts each dishonest step is refused or skipped; on contracts with a planted bug one of the steps does
 * what it must not. Steps have names, so that a test can say which transaction an audit has to name.
 *
 * @module
 */
import { encodeFunctionData, type Hex, zeroHash } from 'viem'

import { committeeAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { dealPlace } from '#protocol/deal-pages.ts'
import { Lane } from '#protocol/types.ts'
import { PAGE_ROWS } from '#protocol/worker-pages.ts'

import {
  actorOf,
  type DealHand,
  type Mined,
  type ProviderHand,
  receiptOf,
  type Scenario,
  type Segment,
} from './scenario.ts'

/** What became of each step. */
export type Story = { steps: ReadonlyMap<string, Mined> }

const HOUR = 3600
const DAY = 24 * HOUR
const TOKEN = 10n ** 18n
/** Index of alice's first worker in the page that she shares with carol: the third one, after each one's own. */
const SHARED = 3 * PAGE_ROWS

/** Parameters under which the story takes few ticks. */
export const STORY_PARAMETERS = { closingPeriod: 2 * HOUR, retention: 5 * DAY }

type Cast = { alice: ProviderHand; carol: ProviderHand; deals: Record<DealName, DealHand> }
type DealName = 'wide' | 'exposed' | 'slow' | 'uncovered' | 'small' | 'unused'

/** Plays the story; no step stops it, whatever comes of it. */
export async function playStory(scenario: Scenario): Promise<Story> {
  const { act, submit, deployment } = scenario
  const steps = new Map<string, Mined>()
  const bob = actorOf('bob')
  const eve = actorOf('eve')
  const stranger = actorOf('stranger')

  const note = async (name: string, step: Promise<Mined>): Promise<Mined> => {
    const mined = await step
    steps.set(name, mined)
    return mined
  }
  const attempt = async (name: string, actor: typeof bob, data: Hex): Promise<Mined> =>
    await note(name, submit(actor, deployment.settlement, data))
  const settle = async (name: string, segments: readonly Segment[], epoch = 1): Promise<Mined> => {
    const attestation = scenario.attest(segments, undefined, epoch)
    return await attempt(name, scenario.relay, scenario.settleData(Lane.Attested, segments, attestation))
  }
  const pack = async (name: string, ids: readonly number[]): Promise<Mined> =>
    await attempt(name, stranger, encodeFunctionData({ abi: settlementAbi, functionName: 'packDeals', args: [ids] }))
  /** A segment that says where its deal's facts and its worker's key stand in pages shared with others. */
  const placed = (segment: Segment, place: number, worker = segment.group.worker): Segment => ({
    ...segment,
    group: { ...segment.group, place, worker },
  })
  const call = (functionName: 'close' | 'stop' | 'recycle', id: number): Hex =>
    encodeFunctionData({ abi: settlementAbi, functionName, args: [id] })
  const claim = (provider: ProviderHand): Hex =>
    encodeFunctionData({ abi: settlementAbi, functionName: 'claim', args: [provider.id] })

  async function gather(): Promise<Cast> {
    const alice = await scenario.join('alice', 100n * TOKEN, ['alice 1', 'alice 2'])
    const carol = await scenario.join('carol', TOKEN / 25n, ['carol 1'])
    await note('deposit', scenario.deposit(bob, 5_000_000_000n))
    await scenario.deposit(eve, 1_000_000_000n)
    const open = async (
      name: string,
      provider: ProviderHand,
      buyer: typeof bob,
      changes: Parameters<Scenario['open']>[2],
    ): Promise<DealHand> => {
      const { deal, mined } = await scenario.open(provider, buyer, changes)
      steps.set(name, mined)
      return deal
    }
    const salt = (byte: string): Hex => `0x${byte.repeat(32)}`
    const wide = await open('open', alice, bob, { offer: { salt: salt('01') }, terms: { budget: 80_000_000n } })
    const exposed = await open('open-exposed', alice, bob, {
      offer: { salt: salt('02'), price: 1000n },
      terms: { budget: 10_000_000n, exposure: 100n },
    })
    const slow = await open('open-slow', alice, eve, {
      offer: { salt: salt('03'), rateCap: 100 },
      terms: { budget: 50_000_000n },
    })
    const uncovered = await open('open-uncovered', carol, bob, {
      offer: { salt: salt('04') },
      terms: { budget: 100_000n },
    })
    const small = await open('open-small', alice, eve, {
      offer: { salt: salt('05') },
      terms: { budget: 10_000n },
    })
    const unused = await open('open-unused', alice, eve, {
      offer: { salt: salt('06'), openingFee: 2000n },
      terms: { budget: 20_000n },
    })
    return { alice, carol, deals: { wide, exposed, slow, uncovered, small, unused } }
  }

  /** Batches of every lane, honest ones and others. */
  async function work({ alice, carol, deals }: Cast): Promise<void> {
    const { wide, exposed, slow, uncovered, small } = deals
    const start = { first: 0, unitsBefore: 0n }
    await pack('pack', [wide.id, slow.id])
    const first = [scenario.work(wide, 0, [10, 20, 30]), scenario.work(wide, 1, [40]), scenario.work(exposed, 0, [50])]
    await settle('settle', [...first, scenario.work(slow, 0, [60])])
    await settle('replay', first.slice(0, 1))

    const receipts = [10, 20, 30].map((units, i) => receiptOf(`${wide.key} 0 ${i}`, units))
    const longer = scenario.segmentAt(wide, 0, start, [...receipts, receiptOf(`${wide.key} 0 3`, 5)])
    await settle('overlap', [longer])
    Object.assign(wide.streams[0] ?? {}, { count: 4, units: 65n })
    const inflated = scenario.segmentAt(wide, 0, { first: 4, unitsBefore: 95n }, [receiptOf('inflated', 5)])
    await settle('mismatch', [inflated])
    await settle('gap', [scenario.segmentAt(wide, 0, { first: 9, unitsBefore: 65n }, [receiptOf('from nowhere', 1)])])
    await settle('over-exposure', [
      scenario.segmentAt(exposed, 0, { first: 1, unitsBefore: 50n }, [receiptOf('too open', 51)]),
    ])
    await settle('over-rate', [scenario.segmentAt(slow, 1, start, [receiptOf('too fast', 100_000)])])
    await settle('over-coverage', [scenario.segmentAt(uncovered, 0, start, [receiptOf('too much', 100)])])
    const forged = scenario.segmentAt(wide, 1, { first: 1, unitsBefore: 40n }, [receiptOf('forged', 3)], {
      actor: stranger,
      index: alice.workers[0]?.index ?? 0,
    })
    await settle('bad-signature', [forged])
    const next = { first: 1, unitsBefore: 40n }
    await settle('foreign-worker', [scenario.segmentAt(wide, 1, next, [receiptOf('foreign', 3)], carol.workers[0])])
    await settle('clamped', [scenario.work(small, 0, [100])])

    const final = scenario.acknowledged(scenario.work(wide, 0, [101]))
    await attempt('acknowledged', scenario.relay, scenario.settleData(Lane.Acknowledged, [final], '0x'))
    const unfit = scenario.segmentAt(wide, 0, { first: 5, unitsBefore: 166n }, [receiptOf('not vouched for', 3)])
    const vouched = scenario.acknowledged(unfit, stranger)
    await attempt('bad-acknowledgement', scenario.relay, scenario.settleData(Lane.Acknowledged, [vouched], '0x'))

    const forced = [scenario.work(wide, 1, [77, 78])]
    await attempt('forced', alice.owner, scenario.settleData(Lane.Forced, forced, '0x'))
    await attempt('forced-again', alice.owner, scenario.settleData(Lane.Forced, forced, '0x'))
    const stolen = [scenario.segmentAt(wide, 1, { first: 3, unitsBefore: 195n }, [receiptOf('by a stranger', 3)])]
    await attempt('forced-by-stranger', stranger, scenario.settleData(Lane.Forced, stolen, '0x'))
    const lonely = [scenario.segmentAt(wide, 1, { first: 3, unitsBefore: 195n }, [receiptOf('one member', 3)])]
    const one = scenario.attest(lonely, scenario.members.slice(0, 1))
    await attempt('attested-by-one', scenario.relay, scenario.settleData(Lane.Attested, lonely, one))
    await note('acknowledge', scenario.acknowledge(exposed, 0, 50n))
    await settle('after-acknowledge', [scenario.work(exposed, 0, [90])])
    await share(alice, carol)
    const shared = [scenario.work(wide, 0, [11, 12]), scenario.work(wide, 1, [13]), scenario.work(slow, 0, [14])]
    const [first0, first1, other] = shared.map((segment) => placed(segment, 0, SHARED))
    if (first0 === undefined || first1 === undefined || other === undefined) return
    await settle('settle-placed', [
      ...[placed(first0, dealPlace(1, 0)), first1],
      // a place that names another deal's row: the chain reads the deal's storage
      placed(other, dealPlace(1, 0)),
    ])
  }

  /** Workers of two providers in one page. */
  async function share(alice: ProviderHand, carol: ProviderHand): Promise<void> {
    const indexes = [alice, carol].flatMap(({ workers }) => workers.slice(0, 1).map(({ index }) => index))
    const data = encodeFunctionData({ abi: registryAbi, functionName: 'packWorkers', args: [indexes] })
    await note('pack-workers', submit(stranger, deployment.registry, data))
  }

  /** What buyers do with their deals and their money. */
  async function trade({ alice, deals }: Cast): Promise<void> {
    const { wide, slow, small, unused } = deals
    const topUp = ({ id, offer, buyerNonce }: DealHand, amount: bigint): Hex =>
      encodeFunctionData({ abi: settlementAbi, functionName: 'topUp', args: [id, offer, buyerNonce, amount] })
    await attempt('top-up', eve, topUp(slow, 1_000_000n))
    await attempt('top-up-exhausted', eve, topUp(small, 1_000n))
    await pack('pack-again', [slow.id, unused.id])
    const offer = await scenario.offerOf(alice, { maxBudget: 1000n, salt: zeroHash })
    const terms = { ...wide.terms, budget: 2000n, exposure: 10 }
    const args = [offer, await scenario.signOffer(offer, alice.owner), terms] as const
    await attempt('open-over-maximum', bob, encodeFunctionData({ abi: settlementAbi, functionName: 'openDeal', args }))
    const unsigned = [offer, await scenario.signOffer(offer, stranger), { ...terms, budget: 500n }] as const
    const forgery = encodeFunctionData({ abi: settlementAbi, functionName: 'openDeal', args: unsigned })
    await attempt('open-unsigned', bob, forgery)
    await attempt('stop-by-stranger', stranger, call('stop', wide.id))
    await attempt('stop', eve, call('stop', slow.id))
    await attempt('stop-unused', eve, call('stop', unused.id))
    await attempt('close-early', stranger, call('close', slow.id))
    const withdraw = (amount: bigint): Hex =>
      encodeFunctionData({ abi: settlementAbi, functionName: 'withdraw', args: [bob.address, amount] })
    await attempt('withdraw', bob, withdraw(1_000_000n))
    await attempt('withdraw-too-much', bob, withdraw(10n ** 10n))
  }

  async function stakes({ alice }: Cast): Promise<void> {
    const second = alice.workers[1]?.index ?? 0
    const clock = await scenario.client.readContract({
      abi: settlementAbi,
      address: deployment.settlement,
      functionName: 'clock',
    })
    const registry = async (name: string, data: Hex): Promise<Mined> =>
      await note(name, submit(alice.owner, deployment.registry, data))
    const revoke = [alice.id, second, clock + DAY + HOUR] as const
    await registry('revoke', encodeFunctionData({ abi: registryAbi, functionName: 'revokeWorker', args: revoke }))
    const thaw = [alice.id, 10n * TOKEN] as const
    await registry('thaw', encodeFunctionData({ abi: registryAbi, functionName: 'thaw', args: thaw }))
  }

  async function wait({ alice, deals }: Cast): Promise<void> {
    const { wide, exposed, slow, unused } = deals
    await scenario.elapse(2 * HOUR)
    await attempt('close', stranger, call('close', slow.id))
    await attempt('close-unused', stranger, call('close', unused.id))
    await attempt('claim-early', stranger, claim(alice))
    await note('new-epoch', replaceMembers())
    await settle('last-epoch', [scenario.work(exposed, 1, [3])])
    await settle('next-epoch', [scenario.work(exposed, 1, [4])], 2)
    await scenario.pass(10 * HOUR)
    await note('after-silence', scenario.tick())
    await scenario.elapse(2 * DAY)
    const revoked = scenario.segmentAt(
      wide,
      0,
      { first: 7, unitsBefore: 189n },
      [receiptOf('revoked', 3)],
      alice.workers[1],
    )
    await settle('revoked-worker', [revoked], 2)
    await attempt('claim', stranger, claim(alice))
    await settle('settle-later', [scenario.work(wide, 0, [7])], 2)
    await scenario.elapse(3 * DAY)
    await attempt('claim-again', stranger, claim(alice))
    await attempt('claim-fees', stranger, encodeFunctionData({ abi: settlementAbi, functionName: 'claimFees' }))
    await attempt('recycle', stranger, call('recycle', slow.id))
    const { deal, mined } = await scenario.open(alice, bob, {
      offer: { salt: `0x${'07'.repeat(32)}` },
      terms: { budget: 70_000n },
    })
    steps.set('open-again', mined)
    await scenario.elapse(HOUR)
    await settle('settle-again', [scenario.work(deal, 0, [8])], 2)
    await act(scenario.relay, encodeFunctionData({ abi: settlementAbi, functionName: 'tick' }))
  }

  /** Governance starts an epoch with the same members in another order. */
  async function replaceMembers(): Promise<Mined> {
    const members = scenario.members.map(({ address }, i) => ({
      signer: address,
      endpoint: `http://127.0.0.1:${9100 + i}`,
    }))
    const args = [members, scenario.threshold] as const
    const data = encodeFunctionData({ abi: committeeAbi, functionName: 'setMembers', args })
    return await submit(scenario.deployer, deployment.committee, data)
  }

  const cast = await gather()
  await scenario.elapse(HOUR)
  await work(cast)
  await trade(cast)
  await stakes(cast)
  await wait(cast)
  return { steps }
}
