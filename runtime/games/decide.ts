/**
 * What a side of a game about provable work does next. It depends on nothing but the chain and the true run, so a restart
 * or a re-organisation needs nothing but looking again, and honest challengers all make the same moves.
 *
 * @module
 */
import type { Hex } from 'viem'

import {
  BisectionError,
  decodePosition,
  dissection,
  firstDisagreement,
  type Position,
  partEnds,
  stepProof,
  withinPart,
} from '#protocol/bisection.ts'
import { ClaimState, type Game, lastSecond, Turn } from '#protocol/disputes.ts'

import type { Truth } from './truth.ts'

/** A game as the chain has it now. */
export type Situation = {
  /** Of its claim, see {@link ClaimState}. */
  readonly claim: number
  readonly game: Pick<Game, 'turn' | 'moved' | 'asserterTime' | 'challengerTime' | 'state'>
  /** The list that the game's state holds the root of; null before the opening. */
  readonly list: readonly Hex[] | null
  /**
   * The move that the asserter is bound to in this state, because it made it in some game on the claim; null if it is
   * free. `bytes` is null where nobody can tell the move's bytes.
   */
  readonly known: { readonly bytes: Hex | null; readonly madeAt: number } | null
  /** Second on the protocol clock. */
  readonly clock: number
}

/** What to do. `until`: nothing can be done before that second on the protocol clock, unless the other side moves. */
export type Decision =
  | { readonly kind: 'play'; readonly move: Hex; readonly what: string }
  | { readonly kind: 'time-out' }
  | { readonly kind: 'conclude' }
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'concede'; readonly why: string }

/** What an asserter has to say for a receipt of its own. */
export type Statement = {
  readonly truth: Truth
  /** Bytes of the opening. */
  opening(): Promise<Hex>
}

/** What the challenger does next: it trusts its own run and nothing that the asserter says. */
export async function decideChallenger(situation: Situation, truth: () => Promise<Truth>): Promise<Decision> {
  const { claim, game, clock } = situation
  if (claim === ClaimState.Refuted) return { kind: 'conclude' }
  const last = lastSecond(game as Game)
  if (game.turn === Turn.Asserter) return awaitAsserter(situation, last)
  if (game.turn !== Turn.Challenger) return { kind: 'concede', why: 'the game is not between the two sides' }
  if (clock > last) return { kind: 'concede', why: 'its time has run out' }
  return await answer(situation, await truth())
}

/**
 * What the asserter does next.
 *
 * @param statement - Gives null where its own run does not give what its receipt says: then every move would be a lie.
 */
export async function decideAsserter(
  situation: Situation,
  statement: () => Promise<Statement | null>,
): Promise<Decision> {
  const { claim, game, known, clock } = situation
  if (claim === ClaimState.Refuted) return { kind: 'concede', why: 'the claim is refuted' }
  const last = lastSecond(game as Game)
  if (game.turn === Turn.Challenger) return clock > last ? { kind: 'time-out' } : { kind: 'wait', until: last + 1 }
  if (game.turn !== Turn.Asserter) return { kind: 'concede', why: 'the game is not between the two sides' }
  if (known !== null) return repeatLate(situation, known)
  if (clock > last) return { kind: 'concede', why: 'its time has run out' }
  const own = await statement()
  if (own === null) return { kind: 'concede', why: 'its own run does not give what the receipt says' }
  if (decodePosition(game.state) !== undefined) return await answer(situation, own.truth)
  return { kind: 'play', move: await own.opening(), what: 'opens the run' }
}

/** The asserter's clock runs, unless it is bound to a move that anyone may repeat. */
function awaitAsserter({ game, known, clock }: Situation, last: number): Decision {
  if (known !== null && known.madeAt <= last) return repeat(known)
  return clock > last ? { kind: 'time-out' } : { kind: 'wait', until: Math.max(last, game.moved) + 1 }
}

/**
 * A move that was made elsewhere keeps the asserter's clock from running and makes the challenger's run: so it is the
 * challenger who is in a hurry to repeat it, and the asserter does only where that one's time is over.
 */
function repeatLate({ game, clock }: Situation, known: NonNullable<Situation['known']>): Decision {
  const from = Math.max(known.madeAt, game.moved)
  const until = from + game.challengerTime + 1
  return clock >= until ? repeat(known) : { kind: 'wait', until }
}

function repeat({ bytes }: NonNullable<Situation['known']>): Decision {
  if (bytes === null) return { kind: 'concede', why: 'the move to repeat cannot be read' }
  return { kind: 'play', move: bytes, what: 'repeats what the asserter said elsewhere' }
}

/** The answer to the other side's list: by the first entry that the true run does not have. */
async function answer({ game, list }: Situation, truth: Truth): Promise<Decision> {
  const position = decodePosition(game.state)
  if (position === undefined || list === null) return { kind: 'concede', why: 'the list to answer cannot be read' }
  try {
    const part = firstDisagreement(list, await truth.statesAt(partEnds(position)))
    return position.level === 1 ? await proof(position, list, part, truth) : await split(position, list, part, truth)
  } catch (error) {
    if (error instanceof BisectionError && error.code === 'bisection.agreed') {
      return { kind: 'concede', why: 'the other side is right' }
    }
    throw error
  }
}

async function proof({ lo }: Position, list: readonly Hex[], part: number, truth: Truth): Promise<Decision> {
  const step = lo + BigInt(part)
  const witness = await truth.witnessAt(step)
  return { kind: 'play', move: stepProof(list, part, witness), what: `proves step ${step + 1n}` }
}

async function split(position: Position, list: readonly Hex[], part: number, truth: Truth): Promise<Decision> {
  const within = withinPart(position, part)
  const own = await truth.statesAt(partEnds(within))
  const end = partEnds(position)[part]
  const what = `disagrees about steps ${within.lo + 1n} to ${end}`
  return { kind: 'play', move: dissection(list, part, own), what }
}
