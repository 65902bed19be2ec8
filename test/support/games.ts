/**
 * Games about receipts of a machine whose step hashes its state, played on chain: the states of an honest run, those of
 * one that errs, and both sides' moves.
 *
 * @module
 */
import type { HardhatEthersSigner } from '@nomicfoundation/hardhat-ethers/types'
import { Contract, type ContractTransactionResponse, type Result } from 'ethers'
import { encodeAbiParameters, type Hex, keccak256, parseAbiParameters, zeroAddress } from 'viem'

import { bisectionRefereeAbi } from '#protocol/abi.generated.ts'
import type { Shown } from '#protocol/courts.ts'
import { type Game, gameAfter } from '#protocol/disputes.ts'
import type { Receipt } from '#protocol/types.ts'

import type { Market, OpenDeal } from './market.ts'
import { workHashOf } from './work.ts'

/** Whose move it is, or how a game ended. */
export const Turn = { Asserter: 0, Challenger: 1, Arbiter: 2, AsserterWon: 3, ChallengerWon: 4, Drawn: 5 } as const

/** Steps of a usual run: three rounds of splitting in four. */
export const STEPS = 64
const PARTS = 4
/** Where a claim's facts name the arbiter. */
const ARBITER = 11

/** States of a run from `start`, one more than its steps; from step `errsAt` on they are others. */
export function runOf(start: Hex, errsAt = Number.POSITIVE_INFINITY, steps = STEPS): Hex[] {
  const states = [start]
  for (let step = 1; step <= steps; step++) {
    const right = keccak256(states.at(-1) ?? start)
    states.push(step === errsAt ? workHashOf(`error at ${step} from ${start}`) : right)
  }
  return states
}

/** The receipt that states a run's end. */
export function receiptOf(states: readonly Hex[], units = 100n): Receipt {
  const parameters = parseAbiParameters('bytes32, uint64, bytes32')
  return { units, workHash: keccak256(encodeAbiParameters(parameters, statement(states))) }
}

function statement(states: readonly Hex[]): [Hex, bigint, Hex] {
  const [start, end] = [states[0], states.at(-1)]
  if (start === undefined || end === undefined) throw new Error('there are no states')
  return [start, BigInt(states.length - 1), end]
}

/** Where a game stands, as its state says. */
type Interval = { lo: number; hi: number; between: Hex[]; from: Hex; to: Hex }

function intervalOf(state: Hex): Interval {
  const words = Array.from(
    { length: (state.length - 2) / 64 },
    (_, at): Hex => `0x${state.slice(2 + 64 * at, 66 + 64 * at)}`,
  )
  const [lo = '0x0', hi = '0x0', from = '0x', to = '0x', ...between] = words
  return { lo: Number(lo), hi: Number(hi), from, to, between }
}

/** The asserter's move in a state, if its run has these states. */
export function assertion(states: readonly Hex[], state: Hex): Hex {
  if (state === '0x') return encodeAbiParameters(parseAbiParameters('bytes32, uint64, bytes32'), statement(states))
  const { lo, hi } = intervalOf(state)
  const size = (hi - lo) / PARTS
  const between = [1, 2, 3].map((part) => states[lo + part * size] ?? '0x') as [Hex, Hex, Hex]
  return encodeAbiParameters(parseAbiParameters('bytes32[3]'), [between])
}

/** The challenger's move in a state: the first part whose end is not as in its own run; the last one if there is none. */
export function objection(states: readonly Hex[], state: Hex): Hex {
  const { lo, hi, between, to } = intervalOf(state)
  const size = (hi - lo) / PARTS
  const wrong = [...between, to].findIndex((end, part) => states[lo + (part + 1) * size] !== end)
  return encodeAbiParameters(parseAbiParameters('uint64'), [BigInt(wrong === -1 ? PARTS - 1 : wrong)])
}

/** A game as the contract keeps it. */
export type PlayedGame = {
  readonly id: Hex
  readonly claimId: Hex
  readonly claim: unknown[]
  facts: Game
  turn: number
  state: Hex
  readonly bond: bigint
}

/** A game's facts as its event tells them. */
function factsOf(facts: Result): Game {
  const { claim, referee, challenger, bond, state } = facts
  const [provider, number, moved, turn] = [facts.provider, facts.number, facts.moved, facts.turn].map(Number)
  const [asserterTime, challengerTime] = [Number(facts.asserterTime), Number(facts.challengerTime)]
  return {
    ...{ claim, referee, challenger, bond: BigInt(bond), state, asserterTime, challengerTime },
    ...{ provider: provider ?? 0, number: number ?? 0, moved: moved ?? 0, turn: turn ?? 0 },
  }
}

/** Plays on a market's disputes contract. */
export function createGames(market: Market) {
  const { disputes } = market

  async function eventOf(sent: ContractTransactionResponse, name: string): Promise<Result | undefined> {
    const receipt = await sent.wait()
    const parsed = receipt?.logs.map((entry) => disputes.interface.parseLog(entry))
    return parsed?.find((entry) => entry?.name === name)?.args
  }

  /** A move, without the claim's facts where they are not needed. */
  async function moveBy(game: PlayedGame, move: Hex, who: HardhatEthersSigner): Promise<ContractTransactionResponse> {
    const referee = new Contract(game.facts.referee, bisectionRefereeAbi, disputes.runner)
    const { state, turn } = game.facts
    const [after, then]: [Hex, bigint] = await referee.getFunction('next')(game.claim, state, turn, move)
    const playing = disputes.connect(who)
    // an arbiter rules on claims
    const isBetween = state !== '0x' && Number(then) <= Turn.Arbiter && game.claim[ARBITER] === zeroAddress
    const sent = isBetween
      ? await playing.advance(game.facts, move)
      : await playing.play(game.claim as never, game.facts, move)
    const moved = await eventOf(sent, 'Moved')
    const led = { state: after, turn: Number(then) }
    if (moved === undefined) throw new Error('nothing was moved')
    game.facts = gameAfter(game.facts, Number(moved.until), led)
    ;[game.turn, game.state] = [led.turn, led.state]
    return sent
  }

  return {
    /** Challenges a receipt. */
    async challenge(deal: OpenDeal, shown: Shown, who: HardhatEthersSigner): Promise<PlayedGame> {
      const sent = await disputes.connect(who).challenge(deal.id, shown, deal.offer, deal.nonce)
      const opened = await eventOf(sent, 'Challenged')
      if (opened === undefined) throw new Error('nothing was challenged')
      const facts: Result = opened.opened
      return {
        ...{ id: opened.game, claimId: opened.claim, claim: opened.facts.toArray() },
        ...{ facts: factsOf(facts), turn: Number(facts.turn), state: facts.state, bond: BigInt(facts.bond) },
      }
    },
    moveBy,
    /** The asserter's next move by `who`, as its run has it. */
    assert: async (game: PlayedGame, states: readonly Hex[], who: HardhatEthersSigner) =>
      await moveBy(game, assertion(states, game.state), who),
    /** The challenger's next move, as its run has it. */
    object: async (game: PlayedGame, states: readonly Hex[], who: HardhatEthersSigner) =>
      await moveBy(game, objection(states, game.state), who),
    /** Plays a game to its end. */
    async finish(
      game: PlayedGame,
      asserter: { states: readonly Hex[]; who: HardhatEthersSigner },
      challenger: { states: readonly Hex[]; who: HardhatEthersSigner },
    ): Promise<{ last: ContractTransactionResponse; moves: number }> {
      for (let moves = 1; ; moves++) {
        const { states, who } = game.turn === Turn.Asserter ? asserter : challenger
        const move = game.turn === Turn.Asserter ? assertion(states, game.state) : objection(states, game.state)
        const last = await moveBy(game, move, who)
        if (game.turn > Turn.Arbiter) return { last, moves }
      }
    },
    timeOut: (game: PlayedGame) => disputes.timeOut(game.claim as never, game.facts),
    conclude: (game: PlayedGame) => disputes.conclude(game.claim as never, game.facts),
  }
}
