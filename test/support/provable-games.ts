/**
 * Games about provable work on chain, each side playing by a run it stands by.
 *
 * @module
 */
import type { HardhatEthersSigner } from '@nomicfoundation/hardhat-ethers/types'
import type { ContractTransactionResponse } from 'ethers'
import { type Hex, toFunctionSelector } from 'viem'

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
import { encodeOpening, type Opening } from '#protocol/bisection-opening.ts'

import { type createGames, type PlayedGame, Turn } from './games.ts'
import type { Run } from './played-runs.ts'

/** How a refusal is told, by a chain that knows the referee's errors and by one that does not. */
const REFUSALS = ['RefereeBadMove', toFunctionSelector('RefereeBadMove()')]

/** Who plays a side, by which run. */
export type Side = { readonly run: Run; readonly who: HardhatEthersSigner }
/** A move and the list it gives. */
type Move = { readonly move: Hex; readonly list: readonly Hex[] }

/** A game as it went. */
export type Course = {
  /** Moves that were made, in order. */
  readonly sent: readonly ContractTransactionResponse[]
  /** Whether the side to move had no move that does not lose. */
  readonly isStuck: boolean
}

/**
 * Plays a game until it ends or the side to move has no move.
 *
 * @param opening - The asserter's first move.
 */
export async function playOut(
  games: ReturnType<typeof createGames>,
  game: PlayedGame,
  opening: Opening,
  asserter: Side,
  challenger: Side,
): Promise<Course> {
  const sent: ContractTransactionResponse[] = []
  let list: readonly Hex[] = []
  while (game.turn <= Turn.Challenger) {
    const { run, who } = game.turn === Turn.Asserter ? asserter : challenger
    const move = moveIn(game.state, list, run, opening)
    const made = move === undefined ? undefined : await orRefused(games.moveBy(game, move.move, who))
    if (made === undefined) return { sent, isStuck: true }
    sent.push(made)
    list = move?.list ?? []
  }
  return { sent, isStuck: false }
}

/** A side's move in a state, by its run; undefined if it agrees with all that was said. */
export function moveIn(state: Hex, list: readonly Hex[], run: Run, opening: Opening): Move | undefined {
  const position = decodePosition(state)
  if (position === undefined) return { move: encodeOpening(opening), list: opening.list }
  const part = disagreement(position, list, run)
  if (part === undefined) return undefined
  if (position.level === 1) return { move: stepProof(list, part, run.witness(position.lo + BigInt(part))), list: [] }
  const own = partEnds(withinPart(position, part)).map(run.at)
  return { move: dissection(list, part, own), list: own }
}

function disagreement(position: Position, list: readonly Hex[], run: Run): number | undefined {
  try {
    return firstDisagreement(list, partEnds(position).map(run.at))
  } catch (error) {
    if (error instanceof BisectionError) return undefined
    throw error
  }
}

/** Undefined where the contracts refuse a move as none. */
async function orRefused<T>(sent: Promise<T>): Promise<T | undefined> {
  return await sent.catch((error: Error) => {
    if (REFUSALS.some((name) => error.message.includes(name))) return undefined
    throw error
  })
}
