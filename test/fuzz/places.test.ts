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

/** A batch with each way of naming places, and its twin, if it has one. */
type Case = {
  readonly index: number
  readonly batch: WorldBatch
  readonly inputs: readonly SettleInput[]
  readonly twin: readonly SettleInput[]
}

/** The same groups with their receipts in blobs and not in calldata, or the other way round; none are forced in blobs. */
function twinOf(batch: WorldBatch): WorldBatch | null {
  if (batch.lane === Lane.Forced) return null
  return { ...batch, mode: batch.mode === Mode.Blob ? Mode.Calldata : Mode.Blob }
}

/** Only in calldata does the chain see that receipts add up to other units than signed. */
const isMismatched = (endings: readonly Ending[]): boolean =>
  endings.some((ending) => wordsOf(ending).includes('UnitsMismatch'))

/** Facts of a batch that settled, or the name of the error, whose position depends on the mode. */
const factsOf = (ending: Ending): string => (ending.ok ? ending.answer : wordsOf(ending).join())

/** The one ending all of them are, if they are. */
function sameOf(endings: readonly Ending[]): Ending | null {
  const [given] = endings
  return given !== undefined && endings.every(({ answer }) => answer === given.answer) ? given : null
}

function differing(endings: readonly Ending[], inputs: readonly SettleInput[]): string {
  const lines = endings.map(
    (ending, at) => `${PLACES[at] ?? 'in the other mode'}: ${wordsOf(ending).join(' ')} ${ending.answer}`,
  )
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

  /** The batch with authority, which every run of the case draws alike. */
  function inputOf(index: number, batch: WorldBatch, places: Places): SettleInput {
    const authority = authorityOf(createRandom(`${seed} authority`, index), world, batch)
    return { bytes: bytesOf(batch, places), authority, blobs: blobsOf(batch), behind: new Uint8Array() }
  }

  function caseAt(index: number): Case {
    const [one, ...more] = pool
    if (one === undefined) throw new Error('the pool is empty')
    const options = { pool: [one, ...more], sender: world.scenario.relay, hasBlobs: true } as const
    const batch = randomBatch(createRandom(seed, index), world, options)
    const twin = twinOf(batch)
    return {
      ...{ index, batch },
      inputs: PLACES.map((places) => inputOf(index, batch, places)),
      twin: twin === null ? [] : [inputOf(index, twin, 'drawn')],
    }
  }

  it('change nothing but gas, right, wrong or old, nor does it where the receipts stand', async () => {
    const histogram = createHistogram(OUTCOMES)
    let twins = 0

    const judge = ({ index, batch, inputs, twin }: Case, answers: readonly Ending[]): void => {
      const given = sameOf(answers.slice(0, PLACES.length))
      if (given === null) expect.fail(`${differing(answers, inputs)}\n${repetition(seed, index)}`)
      const [other] = answers.slice(PLACES.length)
      if (other !== undefined && !isMismatched([given, other])) {
        twins += 1
        const found = `its twin: ${differing(answers, [...inputs, ...twin])}\n${repetition(seed, index)}`
        expect(factsOf(other), found).to.equal(factsOf(given))
      }
      for (const word of wordsOf(given)) histogram.add(rowOf(batch), word)
    }

    for (let from = first; from < first + cases; from += CASES_PER_CALL) {
      const length = Math.min(CASES_PER_CALL, first + cases - from)
      const chunk = Array.from({ length }, (_, index) => caseAt(from + index))
      const endings = await settle(chunk.flatMap(({ inputs, twin }) => [...inputs, ...twin]))
      let at = 0
      for (const one of chunk) {
        const runs = one.inputs.length + one.twin.length
        judge(one, endings.slice(at, at + runs))
        at += runs
      }
    }
    histogram.print(`groups of ${cases} batches, or why they were reverted, seed ${seed}`)
    console.log(`      ${twins} of them settled alike in calldata and in blobs`)
    if (cases === 1) return
    expect(twins, 'twins').to.be.greaterThan(cases / 4)
    for (const outcome of OUTCOMES) expect(histogram.count(outcome), outcome).to.be.greaterThan(0)
  }).timeout(START_MS + cases * MS_PER_CASE)
})
