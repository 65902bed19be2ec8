/**
 * Plays games about provable work to their ends, for either side, without anybody looking: answers, waits, ends what has
 * timed out, and keeps the protocol clock going meanwhile.
 *
 * It remembers nothing that the chain does not show; what it sent stands in its sender's store.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex } from 'viem'

import { disputesAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { gameHash, Turn } from '#protocol/disputes.ts'

import type { Act, ActState, Sender } from '../act-sender.ts'
import type { Logger } from '../log.ts'
import type { Court, CourtGame, CourtView } from './court.ts'
import { type Decision, decideAsserter, decideChallenger, type Situation, type Statement } from './decide.ts'
import type { Purse } from './purse.ts'
import type { Truth } from './truth.ts'

/** A side that is played for in a game. */
export type Seat =
  | { readonly side: 'challenger'; truth(): Promise<Truth> }
  | { readonly side: 'asserter'; statement(): Promise<Statement | null> }

/** What was decided in an open game, and what became of it. */
export type Turned = { readonly game: CourtGame; readonly decision: Decision; readonly state: ActState | null }

/** Plays. */
export type Player = {
  /** Does in every open game what is to do now; one call at a time. */
  step(view: CourtView): Promise<readonly Turned[]>
}

/** Creates the player of one key. */
export function createPlayer(options: {
  readonly court: Court
  readonly settlement: Address
  readonly sender: Pick<Sender, 'insist'>
  readonly purse: Purse
  /** Whom it plays for in a game; null for nobody. */
  readonly seatOf: (game: CourtGame) => Seat | null
  readonly log: Logger
}): Player {
  const { court, sender, purse, seatOf, log } = options
  let seen: { readonly time: number; readonly clock: number } | null = null

  async function decide(game: CourtGame, seat: Seat, clock: number): Promise<Decision> {
    const { claim, facts, list } = game
    const known = facts.turn === Turn.Asserter ? await court.known(game) : null
    const situation: Situation = { claim: claim.state, game: facts, list, known, clock }
    if (seat.side === 'challenger') return await decideChallenger(situation, () => seat.truth())
    return await decideAsserter(situation, () => seat.statement())
  }

  /** The move, once its bond can be taken. */
  async function play(game: CourtGame, move: Hex): Promise<ActState | null> {
    const bond = game.facts.turn === Turn.Asserter ? await court.asserterBond(game.claim) : 0n
    if (bond > 0n && !(await purse.allows(bond))) return null
    return await sender.insist(actIn(game, 'play', court.moveCall(game, move, bond === 0n)))
  }

  function actIn(game: CourtGame, what: string, data: Hex): Act {
    // by its facts: after a re-organisation the same number may be another game
    return { name: `${what} ${game.id} ${gameHash(game.facts)}`, to: court.address, data }
  }

  async function end(game: CourtGame, functionName: 'timeOut' | 'conclude'): Promise<ActState> {
    const data = encodeFunctionData({ abi: disputesAbi, functionName, args: [game.claim.facts, game.facts] })
    return await sender.insist(actIn(game, functionName, data))
  }

  async function carryOut(game: CourtGame, decision: Decision): Promise<ActState | null> {
    switch (decision.kind) {
      case 'play':
        return await play(game, decision.move)
      case 'time-out':
        return await end(game, 'timeOut')
      case 'conclude':
        return await end(game, 'conclude')
      case 'wait':
      case 'concede':
        return null
    }
  }

  /** Touches the protocol clock where blocks go by and it stands: it runs on for an hour only. */
  async function keepClock({ time, clock }: CourtView): Promise<void> {
    const stands = seen !== null && time > seen.time && clock === seen.clock
    seen = { time, clock }
    if (!stands) return
    const data = encodeFunctionData({ abi: settlementAbi, functionName: 'tick' })
    await sender.insist({ name: `tick ${clock}`, to: options.settlement, data })
  }

  async function turn(game: CourtGame, seat: Seat, clock: number): Promise<Turned | null> {
    try {
      const decision = await decide(game, seat, clock)
      const state = await carryOut(game, decision)
      log.debug({ game: game.id, side: seat.side, decision: decision.kind, state }, 'looked at a game')
      return { game, decision, state }
    } catch (error) {
      log.warn({ game: game.id, side: seat.side, err: error }, 'a game cannot be played now')
      return null
    }
  }

  return {
    async step(view) {
      const open = [...view.games.values()].filter(({ outcome }) => outcome === null)
      const seats = open.flatMap((game) => {
        const seat = seatOf(game)
        return seat === null ? [] : [{ game, seat }]
      })
      const turned: (Turned | null)[] = []
      for (const { game, seat } of seats) turned.push(await turn(game, seat, view.clock))
      if (seats.length > 0) await keepClock(view)
      return turned.filter((one) => one !== null)
    },
  }
}
