/**
 * Games about settled receipts, see `contracts/interfaces/IDisputes.sol`: identities of claims and games, their clocks
 * and bonds.
 *
 * @module
 */
import {
  type AbiParameterToPrimitiveType,
  decodeFunctionData,
  encodeAbiParameters,
  getAbiItem,
  type Hex,
  keccak256,
  parseAbiParameters,
} from 'viem'

import { disputesAbi } from './abi.generated.ts'

/** Whose move it is, or how a game ended. */
export const Turn = { Asserter: 0, Challenger: 1, Arbiter: 2, AsserterWon: 3, ChallengerWon: 4, Drawn: 5 } as const

/** Where a claim stands. */
export const ClaimState = { None: 0, Open: 1, Upheld: 2, Refuted: 3 } as const

/** Seconds on the protocol clock that a side has for all its moves of a game, and that an arbiter has. */
export const CLOCK_SECONDS = 8 * 3600
export const ARBITER_SECONDS = 17 * 3600

const [claimInput, gameInput] = getAbiItem({ abi: disputesAbi, name: 'timeOut' }).inputs

/** What games are about, as the event of a challenge tells it. */
export type Claim = AbiParameterToPrimitiveType<typeof claimInput>

/** Where a game stands, as the event of its last move tells it. */
export type Game = AbiParameterToPrimitiveType<typeof gameInput>

/** Identity of a claim. */
export function claimId(claim: Claim): Hex {
  return keccak256(encodeAbiParameters([claimInput], [claim]))
}

/** Identity of a game. */
export function gameId({ claim, number }: Game): Hex {
  return keccak256(encodeAbiParameters(parseAbiParameters('bytes32, uint16'), [claim, number]))
}

/** What the chain keeps of a game. */
export function gameHash(game: Game): Hex {
  return keccak256(encodeAbiParameters([gameInput], [game]))
}

/**
 * The move in a transaction's input, where the move's event leaves it out.
 *
 * @throws AbiFunctionSignatureNotFoundError when the input is no call to the disputes contract.
 */
export function moveInInput(input: Hex): Hex {
  const { functionName, args } = decodeFunctionData({ abi: disputesAbi, data: input })
  if (functionName === 'play') return args[2]
  return functionName === 'advance' ? args[1] : '0x'
}

/**
 * A game's facts after a move.
 *
 * @param until - Until when the clock of who moved ran, by the move's event.
 * @param led - What the move leads to, by the referee.
 */
export function gameAfter(game: Game, until: number, led: Pick<Game, 'state' | 'turn'>): Game {
  const spent = until - game.moved
  const asserterTime = game.asserterTime - (game.turn === Turn.Asserter ? spent : 0)
  const challengerTime = game.challengerTime - (game.turn === Turn.Challenger ? spent : 0)
  return { ...game, ...led, moved: until, asserterTime, challengerTime }
}

/** Last second on the protocol clock at which the side to move may. */
export function lastSecond({ turn, moved, asserterTime, challengerTime }: Game): number {
  if (turn === Turn.Asserter) return moved + asserterTime
  return moved + (turn === Turn.Challenger ? challengerTime : ARBITER_SECONDS)
}

/**
 * A bond: the moves that it covers, doubled for each open game on the claim.
 *
 * @param perMove - Governed price, settlement token base units.
 */
export function bondFor(moves: number, perMove: bigint, open: number): bigint {
  return (BigInt(moves) * perMove) << BigInt(open)
}

/** What becomes of a loser's bond: four fifths, rounded down, are the winner's; the rest is nobody's. */
export function sharesDown(bond: bigint): { winner: bigint; burned: bigint } {
  const winner = (bond * 8_000n) / 10_000n
  return { winner, burned: bond - winner }
}
