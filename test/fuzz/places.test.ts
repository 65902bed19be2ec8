/** @module */
import { expect } from 'chai'
import { decodeErrorResult, type Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { decodeFacts } from '#protocol/facts.ts'
import { Lane, Mode, Outcome } from '#protocol/types.ts'

import { artifactsIn } from '../support/artifacts.ts'
import { createScenario } from '../support/scenario.ts'
import { type FuzzChain, startFuzzChain } from './support/fuzz-chain.ts'
import { createHistogram } from './support/histogram.ts'
import { createPool, type PooledStream } from './support/pool.ts'
import { createRandom, repetition, runOf } from './support/random.ts'
import { type Ending, type SettleInput, type Settler, takeOver } from './support/settler.ts'
import { createWorld, type World } from './support/world.ts'
import { authorityOf, blobsOf, bytesOf, type Places, randomBatch, type WorldBatch } from './support/world-batches.ts'

const CASES = { normal: 1000, deep: 100_000 }
const CASES_PER_CALL = 100
const START_MS = 120_000
const MS_PER_CASE = 40
const PLACES: readonly Places[] = ['drawn', 'right', 'none']
const OUTCOMES = Object.keys(Outcome)

const artifact = artifactsIn('artifacts')

/** What became of a batch: its groups' outcomes, or the error's name. */
function wordsOf({ ok, answer }: Ending): string[] {
  if (ok) return decodeFacts(answer).map(({ outcome }) => OUTCOMES[outcome] ?? `outcome ${outcome}`)
  try {
    return [decodeErrorResult({ abi: settlementAbi, data: answer }).errorName]
  } catch {
    return [`error ${answer.slice(0, 10)}`]
  }
}

/** The one ending all of them are, if they are. */
function sameOf(endings: readonly Ending[]): Ending | null {
  const [given] = endings
  return given !== undefined && endings.every(({ answer }) => answer === given.answer) ? given : null
}

function differing(endings: readonly Ending[], inputs: readonly SettleInput[]): string {
  const lines = endings.map((ending, at) => `${PLACES[at]}: ${wordsOf(ending).join(' ')} ${ending.answer}`)
  const bytes = inputs.map((input): Hex => `0x${Buffer.from(input.bytes).toString('hex')}`)
  return [...lines, ...bytes].join('\n')
}

function rowOf({ lane, mode }: WorldBatch): string {
  const name = Object.keys(Lane)[lane] ?? ''
  return mode === Mode.Blob ? `${name}, blobs` : name
}

describe('places of deals in batches', () => {
  let chain: FuzzChain
  let world: World
  let pool: PooledStream[]
  let settle: Settler
  const { seed, first, cases } = runOf(CASES)

  before(async () => {
    chain = await startFuzzChain()
    const scenario = await createScenario({ rpc: chain.rpc, artifact, members: 1 })
    world = await createWorld(scenario)
    pool = createPool(world, seed)
    // some streams have begun, so that segments overlap what is settled
    const begun = pool.filter(({ deal, stream, segments }) => deal.id % 2 === 1 && stream === 0 && segments.length > 0)
    for (const { segments } of begun) await settleFirst(segments[0])
    settle = await takeOver(chain, scenario, scenario.relay.address, artifact)
  })

  async function settleFirst(segment: PooledStream['segments'][number] | undefined): Promise<void> {
    if (segment === undefined) return
    const { acknowledgement: _, ...group } = segment.group
    await world.scenario.settle([{ deal: segment.deal, tally: segment.tally, group }])
  }

  after(async () => await chain.end())

  function caseAt(index: number): { batch: WorldBatch; inputs: SettleInput[] } {
    const random = createRandom(seed, index)
    const [one, ...more] = pool
    if (one === undefined) throw new Error('the pool is empty')
    const options = { pool: [one, ...more], sender: world.scenario.relay, hasBlobs: true } as const
    const batch = randomBatch(random, world, options)
    const rest = { authority: authorityOf(random, world, batch), blobs: blobsOf(batch), behind: new Uint8Array() }
    return { batch, inputs: PLACES.map((places) => ({ bytes: bytesOf(batch, places), ...rest })) }
  }

  it('change nothing but gas, right, wrong or old', async () => {
    const histogram = createHistogram(OUTCOMES)

    const judge = (index: number, { batch, inputs }: ReturnType<typeof caseAt>, answers: readonly Ending[]): void => {
      const given = sameOf(answers)
      if (given === null) expect.fail(`${differing(answers, inputs)}\n${repetition(seed, index)}`)
      for (const word of wordsOf(given)) histogram.add(rowOf(batch), word)
    }

    for (let from = first; from < first + cases; from += CASES_PER_CALL) {
      const length = Math.min(CASES_PER_CALL, first + cases - from)
      const chunk = Array.from({ length }, (_, index) => caseAt(from + index))
      const endings = await settle(chunk.flatMap(({ inputs }) => inputs))
      for (const [index, one] of chunk.entries()) {
        judge(from + index, one, endings.slice(PLACES.length * index, PLACES.length * (index + 1)))
      }
    }
    histogram.print(`groups of ${cases} batches, or why they were reverted, seed ${seed}`)
    if (cases === 1) return
    for (const outcome of OUTCOMES) expect(histogram.count(outcome), outcome).to.be.greaterThan(0)
  }).timeout(START_MS + cases * MS_PER_CASE)
})
