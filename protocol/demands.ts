/**
 * What is asked for on chain, see `contracts/interfaces/IDemands.sol`: identities of demands, and what they cost.
 *
 * @module
 */
import {
  type AbiParameterToPrimitiveType,
  encodeAbiParameters,
  getAbiItem,
  type Hex,
  keccak256,
  parseAbiParameters,
} from 'viem'

import { demandsAbi } from './abi.generated.ts'

/** What is asked for. */
export const Ask = { Order: 0, Output: 1, Input: 2, Work: 3 } as const
export type Ask = (typeof Ask)[keyof typeof Ask]

/** Who demanded. */
export const Side = { Anyone: 0, Buyer: 1, Provider: 2 } as const
export type Side = (typeof Side)[keyof typeof Side]

/** Where a demand stands. */
export const DemandState = { None: 0, Open: 1, Answered: 2, Silent: 3 } as const

const factsInput = getAbiItem({ abi: demandsAbi, name: 'lapse' }).inputs[0]

/** Facts of a demand, as its event tells them and every act on it shows them. */
export type Demand = AbiParameterToPrimitiveType<typeof factsInput>

/** Seconds on the protocol clock that an answer has. */
export const PATIENCE_SECONDS = 12 * 3600

/** Bytes that are paid for an answer, with what its execution costs besides. */
const ANSWER_BYTES: Readonly<Record<Ask, bigint>> = { 0: 3_000n, 1: 9_000n, 2: 9_000n, 3: 12_000n }

/** Identity of a demand: what is asked for, whoever asks. */
export function demandId({ ask, key, stream, index, subject, chunk }: Demand): Hex {
  const parameters = parseAbiParameters('uint8, bytes32, uint8, uint24, bytes32, uint32')
  return keccak256(encodeAbiParameters(parameters, [ask, key, stream, index, subject, chunk]))
}

/**
 * What a demand costs.
 *
 * @param perKilobyte - Governed price, settlement token base units per 1,000 bytes.
 * @param open - Demands of the same side that are open on the deal.
 * @returns Settlement token base units.
 */
export function demandPriceUp(perKilobyte: bigint, ask: Ask, open: number): bigint {
  return ((ANSWER_BYTES[ask] * perKilobyte + 999n) / 1000n) << BigInt(open)
}
