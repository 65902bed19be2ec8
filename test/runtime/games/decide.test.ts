import { expect } from 'chai'
import type { Hex } from 'viem'

import {
  ARITY,
  decodeAnswer,
  decodePosition,
  encodePosition,
  levelsOf,
  type Position,
  positionAfter,
} from '#protocol/bisection.ts'
import { decodeOpening, openingEnds, openingPosition, stepsOfCore } from '#protocol/bisection-opening.ts'
import { ClaimState, Turn } from '#protocol/disputes.ts'
import { verifyStep } from '#protocol/vm/verify-step.ts'
import { toBytes } from '#protocol/words.ts'
import {
  type Decision,
  decideAsserter,
  decideChallenger,
  type Situation,
  type Statement,
} from '#runtime/games/decide.ts'
import { openingOf } from '#runtime/games/opening.ts'
import { createTruth, type Truth } from '#runtime/games/truth.ts'

import { createInterpreter, rounds, type Slip, slips, stepsOf, summing } from '../../support/summing.ts'

const HOURS = 3600
const CLOCK = 8 * HOURS

/** Somebody's run of the program. */
function runOf(count: number, slip?: Slip): { truth: Truth; statement: Statement } {
  const executor = createInterpreter(slip)
  const run = { program: summing, input: rounds(count) }
  const truth = createTruth(executor, run)
  const work = { ...run, startedAt: 1n, endedAt: 2n, order: { index: 0n, maxUnits: 10n } }
  const opening = async () => await openingOf(work, await executor.executeProvable({ ...run, maxUnits: 10n }), truth)
  return { truth, statement: { truth, opening } }
}

type Table = Situation['game'] & { list: readonly Hex[] | null; moves: number }

const begin = (): Table => ({
  ...{ turn: Turn.Asserter, moved: 0, asserterTime: CLOCK, challengerTime: CLOCK, state: '0x', list: null, moves: 0 },
})
const situation = (table: Table, changes: Partial<Situation> = {}): Situation => ({
  ...{ claim: ClaimState.Open, game: table, list: table.list, known: null, clock: 10 },
  ...changes,
})

/** The table after a move, as the chain's referee has it, opening's facts aside; null when it refuses. */
async function after(table: Table, move: Hex, initial: Hex): Promise<Table | null> {
  const position = decodePosition(table.state)
  const turn = table.turn === Turn.Asserter ? Turn.Challenger : Turn.Asserter
  const moves = table.moves + 1
  if (position === undefined) {
    const { list, final } = decodeOpening(move)
    const state = encodePosition(openingPosition(stepsOfCore(final.core), initial, list))
    return { ...table, turn, moves, list, state }
  }
  const answer = decodeAnswer(position, move)
  if (position.level === 1) return proves(position, answer) ? { ...table, turn: Turn.ChallengerWon, moves } : null
  return { ...table, turn, moves, list: answer.list, state: encodePosition(positionAfter(position, answer)) }
}

function proves({ from }: Position, { before, entry, witness }: ReturnType<typeof decodeAnswer>): boolean {
  const { pre, post } = verifyStep(toBytes(witness))
  return pre === (before ?? from) && post !== entry
}

/** Plays on until somebody wins or has no move; the decision that ended it. */
async function play(
  asserter: Statement,
  challenger: Truth,
  initial: Hex,
): Promise<{ table: Table; last: Decision | 'refused' }> {
  for (let table = begin(); ; ) {
    const isAsserters = table.turn === Turn.Asserter
    const now = situation(table)
    const decision = await (isAsserters
      ? decideAsserter(now, async () => asserter)
      : decideChallenger(now, async () => challenger))
    if (decision.kind !== 'play') return { table, last: decision }
    const next = await after(table, decision.move, initial)
    if (next === null) return { table, last: 'refused' }
    table = next
    if (table.turn === Turn.ChallengerWon) return { table, last: decision }
  }
}

describe('deciding what to do in a game about provable work', () => {
  const COUNT = 300
  const honest = runOf(COUNT)
  let initial: Hex

  before(async () => {
    const [state = '0x'] = await honest.truth.statesAt([0n])
    initial = state
  })

  const lies: readonly (readonly [string, Slip])[] = [
    ['in its first step', slips.register(1n)],
    ['about a register', slips.register(777n)],
    ['about memory', slips.memory(1_000n)],
    ['about the answer', slips.output(stepsOf(COUNT) - 1n)],
    ['about how long it took', slips.longer(800n, 20)],
    ['about how short it was', slips.longer(800n, -20)],
  ]
  for (const [what, slip] of lies) {
    it(`an honest challenger beats an asserter that lies ${what}`, async () => {
      const liar = runOf(COUNT, slip)
      const { table, last } = await play(liar.statement, honest.truth, initial)
      expect(last).to.include({ what: `proves step ${slip.after}` })
      expect(table.turn).to.equal(Turn.ChallengerWon)
      const steps = BigInt(await stepsStated(liar.statement))
      expect(table.moves).to.be.at.most(1 + levelsOf(steps) + 1)
    })

    it(`an honest asserter answers a challenger that errs ${what} until it has nothing to prove`, async () => {
      const { table, last } = await play(honest.statement, runOf(COUNT, slip).truth, initial)
      expect(last).to.equal('refused')
      const { level = 0, lo = 0n } = decodePosition(table.state) ?? {}
      expect(level).to.equal(1)
      expect(slip.after > lo && slip.after <= lo + BigInt(ARITY)).to.equal(true)
      const late = situation(table, { clock: CLOCK + 1 })
      expect(await decideAsserter(late, async () => honest.statement)).to.deep.equal({ kind: 'time-out' })
    })
  }

  async function stepsStated({ opening }: Statement): Promise<bigint> {
    return stepsOfCore(decodeOpening(await opening()).final.core)
  }

  it('two honest challengers make the same moves, so that the asserter answers once', async () => {
    const liar = runOf(COUNT, slips.register(777n))
    const other = runOf(COUNT)
    for (let table = begin(); table.turn !== Turn.ChallengerWon; ) {
      const now = situation(table)
      const one = await (table.turn === Turn.Asserter
        ? decideAsserter(now, async () => liar.statement)
        : decideChallenger(now, async () => honest.truth))
      if (table.turn === Turn.Challenger)
        expect(await decideChallenger(now, async () => other.truth)).to.deep.equal(one)
      table = (await after(table, one.kind === 'play' ? one.move : '0x', initial)) ?? begin()
    }
  })

  it('a run of one list is opened and proven at once', async () => {
    const short = runOf(1)
    const [start = '0x'] = await short.truth.statesAt([0n])
    const { table } = await play(runOf(1, slips.register(3n)).statement, short.truth, start)
    expect([table.turn, table.moves]).to.deep.equal([Turn.ChallengerWon, 2])
    expect(openingEnds(stepsOf(1))).to.have.length(ARITY)
  })

  describe('the challenger', () => {
    const truth = async () => honest.truth
    const opened = async () => (await after(begin(), await honest.statement.opening(), initial)) ?? begin()

    it('waits for the asserter while its clock runs, and ends the game when that is over', async () => {
      expect(await decideChallenger(situation(begin()), truth)).to.deep.equal({ kind: 'wait', until: CLOCK + 1 })
      const late = situation(begin(), { clock: CLOCK + 1 })
      expect(await decideChallenger(late, truth)).to.deep.equal({ kind: 'time-out' })
    })

    it('repeats what the asserter said in another game, because its own clock runs from then', async () => {
      const known = { bytes: '0x1234', madeAt: 5 } as const
      expect(await decideChallenger(situation(begin(), { known }), truth)).to.include({ kind: 'play', move: '0x1234' })
    })

    it('ends the game where the asserter said it elsewhere, but too late for this game', async () => {
      const known = { bytes: '0x1234', madeAt: CLOCK + 1 } as const
      const late = situation(begin(), { known, clock: CLOCK + 2 })
      expect(await decideChallenger(late, truth)).to.deep.equal({ kind: 'time-out' })
    })

    it('says nothing against an asserter that is right', async () => {
      expect(await decideChallenger(situation(await opened()), truth)).to.include({ kind: 'concede' })
    })

    it('says nothing after its time', async () => {
      const late = situation({ ...(await opened()), challengerTime: 5 }, { clock: 6 })
      expect(await decideChallenger(late, truth)).to.deep.equal({ kind: 'concede', why: 'its time has run out' })
    })

    it('has its bond back where another game refuted the claim', async () => {
      const refuted = situation(begin(), { claim: ClaimState.Refuted })
      expect(await decideChallenger(refuted, truth)).to.deep.equal({ kind: 'conclude' })
    })
  })

  describe('the asserter', () => {
    const nothing = async () => null

    it('says nothing where its own run does not give what it was paid for', async () => {
      expect(await decideAsserter(situation(begin()), nothing)).to.include({ kind: 'concede' })
    })

    it('repeats itself only where the challenger did not and its time is over', async () => {
      const known = { bytes: '0x1234', madeAt: 5 } as const
      expect(await decideAsserter(situation(begin(), { known }), nothing)).to.deep.equal({
        ...{ kind: 'wait', until: 5 + CLOCK + 1 },
      })
      const late = situation(begin(), { known, clock: 5 + CLOCK + 1 })
      expect(await decideAsserter(late, nothing)).to.include({ kind: 'play', move: '0x1234' })
    })

    it('waits for the challenger', async () => {
      const table = { ...begin(), turn: Turn.Challenger, moved: 100 }
      expect(await decideAsserter(situation(table), nothing)).to.deep.equal({ kind: 'wait', until: 100 + CLOCK + 1 })
    })
  })
})
