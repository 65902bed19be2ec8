/**
 * Games as the disputes contract has them: made anew from its events and from what its referees say moves lead to. After a
 * re-organisation everything is read again.
 *
 * @module
 */
import {
  type Address,
  encodeFunctionData,
  type Hex,
  keccak256,
  type Log,
  type PublicClient,
  parseEventLogs,
  slice,
  zeroAddress,
} from 'viem'

import { bisectionRefereeAbi, disputesAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { decodeAnswer, decodePosition } from '#protocol/bisection.ts'
import { decodeOpening } from '#protocol/bisection-opening.ts'
import { type Claim, ClaimState, type Game, gameAfter, moveInInput, Turn } from '#protocol/disputes.ts'
import { Kind } from '#protocol/types.ts'

/** A claim and where it stands, see {@link ClaimState}. */
export type CourtClaim = { readonly id: Hex; readonly facts: Claim; state: number }

/** A move as it was made. */
export type CourtMove = { readonly turn: number; readonly move: Hex; readonly transaction: Hex; readonly block: bigint }

/** A game and where it stands; of work that is not provable, where it began. */
export type CourtGame = {
  readonly id: Hex
  readonly claim: CourtClaim
  facts: Game
  /** The list that the state holds the root of; null before the opening. */
  list: readonly Hex[] | null
  readonly moves: CourtMove[]
  /** How it ended, see {@link Turn}; null while it is open. */
  outcome: number | null
}

/** Everything at one block. */
export type CourtView = {
  readonly block: bigint
  /** Unix seconds. */
  readonly time: number
  /** Second on the protocol clock. */
  readonly clock: number
  readonly claims: ReadonlyMap<Hex, CourtClaim>
  readonly games: ReadonlyMap<Hex, CourtGame>
}

/** The disputes contract. */
export type Court = {
  readonly address: Address
  /** Everything at the newest block. */
  read(): Promise<CourtView>
  /** The move that the asserter is bound to in a game's state, now. */
  known(game: CourtGame): Promise<{ readonly bytes: Hex | null; readonly madeAt: number } | null>
  /** Bond that the asserter has to post with its next new move on the claim; 0 once it did. */
  asserterBond(claim: CourtClaim): Promise<bigint>
  /** Calldata of a move. */
  moveCall(game: CourtGame, move: Hex, isBonded: boolean): Hex
}

/** Blocks asked for at a time; public nodes refuse wide ranges. */
const LOG_RANGE = 2_000n
const KNOWN_BYTES = 28

type Reading = {
  readonly claims: Map<Hex, CourtClaim>
  readonly games: Map<Hex, CourtGame>
  /** Asserters' moves by claim and state. */
  readonly said: Map<string, Hex>
  at: { readonly number: bigint; readonly hash: Hex } | null
}
type Entry = ReturnType<typeof parseEventLogs<typeof disputesAbi>>[number]
type Moved = Extract<Entry, { eventName: 'Moved' }>

/**
 * Creates the reader of one disputes contract.
 *
 * @param options - `fromBlock`: block it was deployed at, or one before the first game that matters.
 */
export function createCourt(options: {
  readonly client: PublicClient
  readonly address: Address
  readonly settlement: Address
  readonly fromBlock: bigint
}): Court {
  const { client, address, settlement } = options
  const court = { address, abi: disputesAbi } as const
  let reading = blank()

  async function hashOf(blockNumber: bigint): Promise<Hex | null> {
    return await client.getBlock({ blockNumber }).then(
      ({ hash }) => hash,
      () => null,
    )
  }

  /** A move that its event leaves out, because the transaction is the call that makes it. */
  async function sentMove(hash: Hex): Promise<Hex> {
    const { input } = await client.getTransaction({ hash })
    return moveInInput(input)
  }

  async function enterMove({ args, transactionHash, blockNumber }: Moved): Promise<void> {
    const game = reading.games.get(args.game)
    if (game === undefined) return
    const { claim, facts } = game
    const { until } = args
    const move = args.move === '0x' ? await sentMove(transactionHash) : args.move
    const { state, turn } = facts
    game.moves.push({ turn, move, transaction: transactionHash, block: blockNumber })
    // nobody plays those here, and their referees may not have an answer any more
    if (claim.facts.kind !== Kind.Provable) return
    const [next, then] = await client.readContract({
      ...{
        address: facts.referee,
        abi: bisectionRefereeAbi,
        functionName: 'next',
        args: [claim.facts, state, turn, move],
      },
    })
    if (turn === Turn.Asserter) reading.said.set(placeOf(game), move)
    game.list = listIn(state, move)
    game.facts = gameAfter(facts, until, { state: next, turn: then })
  }

  function enterChallenge({
    claim: id,
    game,
    facts,
    opened,
  }: Extract<Entry, { eventName: 'Challenged' }>['args']): void {
    const { claims, games } = reading
    const claim = claims.get(id) ?? { id, facts, state: ClaimState.Open }
    claim.state = ClaimState.Open
    claims.set(id, claim)
    games.set(game, { id: game, claim, facts: opened, list: null, moves: [], outcome: null })
  }

  function enterEnd({ game, outcome }: Extract<Entry, { eventName: 'Ended' }>['args']): void {
    const known = reading.games.get(game)
    if (known !== undefined) known.outcome = outcome
  }

  function enterClaimEnd({ claim, state }: Extract<Entry, { eventName: 'ClaimEnded' }>['args']): void {
    const known = reading.claims.get(claim)
    if (known !== undefined) known.state = state
  }

  async function enter(event: Entry): Promise<void> {
    if (event.eventName === 'Moved') await enterMove(event)
    else if (event.eventName === 'Challenged') enterChallenge(event.args)
    else if (event.eventName === 'Ended') enterEnd(event.args)
    else if (event.eventName === 'ClaimEnded') enterClaimEnd(event.args)
  }

  async function enterRange(from: bigint, to: bigint): Promise<void> {
    for (let at = from; at <= to; at += LOG_RANGE) {
      const end = at + LOG_RANGE - 1n < to ? at + LOG_RANGE - 1n : to
      const logs: Log[] = await client.getLogs({ address, fromBlock: at, toBlock: end })
      for (const event of parseEventLogs({ abi: disputesAbi, logs })) await enter(event)
    }
  }

  async function follow(): Promise<{ readonly number: bigint; readonly timestamp: bigint }> {
    const { number, hash, timestamp } = await client.getBlock()
    if (reading.at !== null && (await hashOf(reading.at.number)) !== reading.at.hash) reading = blank()
    const from = reading.at === null ? options.fromBlock : reading.at.number + 1n
    await enterRange(from, number)
    reading.at = { number, hash }
    // logs of another history may have come in between
    if ((await hashOf(number)) !== hash) reading = blank()
    return reading.at === null ? await follow() : { number, timestamp }
  }

  return {
    address,

    async read() {
      try {
        const { number, timestamp } = await follow()
        const ledger = { address: settlement, abi: settlementAbi } as const
        const clock = await client.readContract({ ...ledger, functionName: 'clock', blockNumber: number })
        return { block: number, time: Number(timestamp), clock, claims: reading.claims, games: reading.games }
      } catch (error) {
        // half of a range may be entered: it is read again as a whole
        reading = blank()
        throw error
      }
    },

    async known(game) {
      const args = [game.claim.id, game.facts.state] as const
      const [hash, madeAt] = await client.readContract({ ...court, functionName: 'moveOf', args })
      if (BigInt(hash) === 0n) return null
      const bytes = reading.said.get(placeOf(game)) ?? '0x'
      return { bytes: slice(keccak256(bytes), 0, KNOWN_BYTES) === hash ? bytes : null, madeAt }
    },

    async asserterBond({ id, facts }) {
      const [{ payer }, perMove, [, moves]] = await Promise.all([
        client.readContract({ ...court, functionName: 'claimOf', args: [id] }),
        client.readContract({ ...court, functionName: 'perMove' }),
        client.readContract({ address: facts.referee, abi: bisectionRefereeAbi, functionName: 'moves', args: [facts] }),
      ])
      return payer === zeroAddress ? perMove * BigInt(moves) : 0n
    },

    moveCall({ claim, facts }, move, isBonded) {
      const position = decodePosition(facts.state)
      const isBetween = position !== undefined && position.level > 1 && isBonded
      if (isBetween) return encodeFunctionData({ abi: disputesAbi, functionName: 'advance', args: [facts, move] })
      return encodeFunctionData({ abi: disputesAbi, functionName: 'play', args: [claim.facts, facts, move] })
    },
  }
}

function blank(): Reading {
  return { claims: new Map(), games: new Map(), said: new Map(), at: null }
}

function placeOf({ claim, facts }: CourtGame): string {
  return `${claim.id}/${facts.state}`
}

/** The list that a move states. */
function listIn(state: Hex, move: Hex): readonly Hex[] {
  const position = decodePosition(state)
  return position === undefined ? decodeOpening(move).list : decodeAnswer(position, move).list
}
