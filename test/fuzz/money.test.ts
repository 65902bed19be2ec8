/** @module */
import { expect } from 'chai'
import { type Address, decodeEventLog, encodeFunctionData, type Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { decodeBatch } from '#protocol/batch.ts'
import { decodeFacts } from '#protocol/facts.ts'
import { Lane, Outcome } from '#protocol/types.ts'
import { toHex } from '#protocol/words.ts'

import { type Mutation, woundedBy } from '../protocol/support/mutations.ts'
import { artifactsIn } from '../support/artifacts.ts'
import { createScenario, type Mined, receiptOf } from '../support/scenario.ts'
import { type Accounts, readAccounts } from './support/accounts.ts'
import { isSigned, unsound, wrongChange } from './support/checks.ts'
import { type FuzzChain, startFuzzChain } from './support/fuzz-chain.ts'
import { createHistogram, type Histogram } from './support/histogram.ts'
import { createPool, type PooledStream } from './support/pool.ts'
import { createRandom, type Random, runOf } from './support/random.ts'
import { createWorld, type World, type WorldDeal } from './support/world.ts'
import { authorityOf, bytesOf, type Chosen, randomBatch, rootOf, type WorldBatch } from './support/world-batches.ts'

const CASES = { normal: 75, deep: 3000 }
/** Batches between two times that the clock is moved on and new work is signed. */
const ROUND = 25
const START_MS = 120_000
const MS_PER_CASE = 2000
const HOUR = 3600

/** What a batch may cost at most: gas whatever its bytes are, gas a byte, and gas a group that moves its stream. */
const GAS = { base: 150_000, perByte: 120, perMove: 100_000 }

const WOUNDS: readonly [Mutation['kind'], ...Mutation['kind'][]] = ['flip', 'set', 'insert', 'delete', 'cut', 'repeat']
/** What may become of honest work when a limit is met. */
const LIMITS: readonly number[] = [
  Outcome.Clamped,
  Outcome.RateExceeded,
  Outcome.ExposureExceeded,
  Outcome.CoverageExceeded,
]

/** A batch as it was sent, and what came of it. */
type Sent = {
  readonly batch: WorldBatch
  readonly bytes: Uint8Array
  readonly mined: Mined
  readonly isWounded: boolean
}

describe('money and streams under random batches', () => {
  let chain: FuzzChain
  let world: World
  let pool: PooledStream[]
  let accounts: Accounts
  const { seed, cases } = runOf(CASES)

  before(async () => {
    chain = await startFuzzChain()
    world = await createWorld(await createScenario({ rpc: chain.rpc, artifact: artifactsIn('artifacts'), members: 1 }))
  })

  after(async () => await chain.end())

  /** Time passes, and everybody goes on working from where the streams stand. */
  async function nextRound(random: Random, round: number): Promise<void> {
    const { scenario, deals } = world
    await scenario.elapse(1 + random.below((cases > 1000 ? 8 : 24) * HOUR))
    for (const id of new Set(deals.map(({ provider }) => provider.id))) {
      const call = { abi: settlementAbi, functionName: 'refreshCover', args: [id] } as const
      await scenario.act(scenario.relay, encodeFunctionData(call))
    }
    accounts = await readAccounts(world)
    pool = createPool(world, `${seed} ${round}`, (id, stream) => accounts.deals.get(id)?.streams[stream])
  }

  async function send(random: Random): Promise<Sent> {
    const [one, ...more] = pool
    if (one === undefined) throw new Error('the pool is empty')
    const { scenario } = world
    const sender = random.chance(70) ? scenario.relay : one.deal.provider.owner
    const batch = randomBatch(random, world, { pool: [one, ...more], sender, hasBlobs: false })
    const authority = toHex(authorityOf(random, world, batch))
    const right = bytesOf(batch)
    const isWounded = random.chance(35)
    const bytes = isWounded ? woundedBy(right, [woundOf(random, right.length)]) : right
    const call = { abi: settlementAbi, functionName: 'settle', args: [toHex(bytes), authority] } as const
    const mined = await scenario.submit(sender, scenario.deployment.settlement, encodeFunctionData(call))
    return { batch, bytes, mined, isWounded }
  }

  /** Groups that moved their streams; whoever signed them signed just them. */
  function movedBy({ batch, bytes, mined, isWounded }: Sent): Chosen[] {
    const { root, applied } = settledIn(mined)
    if (!isWounded) expect(root, 'root').to.equal(rootOf(batch))
    const bits = Buffer.from(applied.slice(2), 'hex')
    return decodeBatch(toHex(bytes)).groups.flatMap((group, index) => {
      if (((bits[index >> 3] ?? 0) & (1 << (index & 7))) === 0) return []
      const chosen = batch.groups.find(
        ({ segment: { deal, tally } }) => deal.id === group.dealId && tally.stream === group.stream,
      )
      if (chosen === undefined) throw new Error(`stream ${group.dealId}/${group.stream} moved and nobody worked on it`)
      const { worker, signature } = group
      expect(isSigned({ ...chosen, worker, signature }, world), `stream ${group.dealId}/${group.stream}`).to.equal(true)
      return [chosen]
    })
  }

  /** What becomes of one more honest receipt in every stream. */
  async function oneMore(): Promise<{ deal: WorldDeal; outcome: number }[]> {
    const { scenario, deals } = world
    const segments = deals.flatMap((deal) =>
      (accounts.deals.get(deal.id)?.streams ?? []).map(({ count, units }, stream) => {
        const at = { first: count, unitsBefore: units }
        return scenario.segmentAt(deal, stream, at, [receiptOf(`one more ${count}`, 1)], deal.provider.workers[0])
      }),
    )
    const data = scenario.settleData(Lane.Attested, segments, scenario.attest(segments))
    const answer = await chain.call({
      from: scenario.relay.address,
      to: scenario.deployment.settlement as Address,
      data,
    })
    const facts = decodeFacts(factsIn(answer))
    return segments.map(({ deal }, index) => ({
      deal: deal as WorldDeal,
      outcome: facts[index]?.outcome ?? Outcome.DealNotOpen,
    }))
  }

  /** Honest work goes on wherever the deal lives and no limit is met. */
  async function goOn(context: string): Promise<void> {
    for (const { deal, outcome } of await oneMore()) {
      if (deal.name.startsWith('usual')) expect(outcome, deal.name).to.equal(Outcome.Applied)
      if (['over', 'stopped', 'netted'].includes(deal.name)) continue
      expect([Outcome.Applied, ...LIMITS], `${deal.name}, ${context}`).to.include(outcome)
    }
  }

  /** Sends one batch and judges what it did; the gas a byte took where no group moved, else 0. */
  async function judge(index: number, histogram: Histogram): Promise<number> {
    const sent = await send(createRandom(seed, index))
    const { mined, bytes, batch, isWounded } = sent
    const context = `batch ${index} of seed ${seed}, 0x${Buffer.from(bytes).toString('hex')}`
    const now = await readAccounts(world)
    const moved = mined.succeeded ? movedBy(sent) : []
    const { protocolFeeBps, committeeFeeBps } = world.scenario.parameters
    const feeBps = protocolFeeBps + committeeFeeBps
    expect(unsound(now), context).to.deep.equal([])
    expect(wrongChange(accounts, now, moved, feeBps), context).to.deep.equal([])
    accounts = now
    const row = `${Object.keys(Lane)[batch.lane]}${isWounded ? ', wounded' : ''}`
    histogram.add(row, mined.succeeded ? 'settled' : 'reverted')
    for (const _ of moved) histogram.add(row, 'groups moved')
    const gasUsed = Number(mined.gasUsed) - GAS.perMove * moved.length
    expect(gasUsed, context).to.be.at.most(GAS.base + GAS.perByte * bytes.length)
    return moved.length > 0 ? 0 : (gasUsed - GAS.base) / bytes.length
  }

  it('stay whole, and honest work goes on', async () => {
    const histogram = createHistogram(['settled', 'reverted', 'groups moved'])
    let mostPerByte = 0
    for (let index = 0; index < cases; index += 1) {
      if (index % ROUND === 0) await nextRound(createRandom(seed, cases + index), index / ROUND)
      mostPerByte = Math.max(mostPerByte, await judge(index, histogram))
      if (index % ROUND === ROUND - 1) await goOn(`after batch ${index} of seed ${seed}`)
    }
    histogram.print(`${cases} batches sent, seed ${seed}`)
    console.log(
      `      a batch that moves nothing takes at most ${mostPerByte.toFixed(1)} gas a byte beyond ${GAS.base}`,
    )
    for (const verdict of ['settled', 'reverted', 'groups moved']) {
      expect(histogram.count(verdict), verdict).to.be.greaterThan(cases / 10)
    }
  }).timeout(START_MS + cases * MS_PER_CASE)
})

function woundOf(random: Random, length: number): Mutation {
  const at = random.below(random.chance(50) ? 30 : length)
  return { kind: random.pick(WOUNDS), at, byte: random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]) }
}

function settledIn({ logs }: Mined): { root: Hex; applied: Hex } {
  for (const { data, topics } of logs) {
    const event = decodeEventLog({ abi: settlementAbi, data, topics })
    if (event.eventName === 'Settled') return event.args
  }
  throw new Error('the batch emitted nothing')
}

/** The bytes that `settle` returned. */
function factsIn(answer: Hex): Hex {
  const length = Number(BigInt(`0x${answer.slice(66, 130)}`))
  return `0x${answer.slice(130, 130 + 2 * length)}`
}
