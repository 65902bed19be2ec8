/**
 * What the rules of a fork make things cost. Gas, of the schedules as EDR runs them.
 *
 * @module
 */

/** A fork whose prices differ for what this system does. */
export type Fork = 'osaka' | 'amsterdam'

/** Prices of one fork, gas. */
export type GasRules = {
  /** A transaction's base. Source: Yellow Paper, G_transaction. */
  readonly transaction: number
  /** A byte of input, not zero and zero, paid beside execution. Source: EIP-2028. */
  readonly byte: number
  readonly zeroByte: number
  /** Least a byte of input costs, execution included. Source: EIP-7623; EIP-7976 on Amsterdam. */
  readonly floorByte: number
  readonly floorZeroByte: number
  /** A word of state that is rewritten, first touch. Source: EIP-2929. */
  readonly word: number
  /** What a word costs more that was zero. Source: EIP-2200; EIP-8037 on Amsterdam. */
  readonly newWord: number
  /** A word or account read for the first time. Source: EIP-2929. */
  readonly coldRead: number
  readonly coldAccount: number
  /** A contract created, and each byte of its code. Source: Yellow Paper, G_create; EIP-8037 on Amsterdam. */
  readonly contract: number
  readonly codeByte: number
}

const common = {
  ...{ transaction: 21_000, byte: 16, zeroByte: 4, word: 5_000, coldRead: 2_100, coldAccount: 2_600 },
} as const

/** Prices by fork. */
export const GAS: Readonly<Record<Fork, GasRules>> = {
  osaka: { ...common, floorByte: 40, floorZeroByte: 10, newWord: 17_100, contract: 32_000, codeByte: 200 },
  amsterdam: { ...common, floorByte: 64, floorZeroByte: 64, newWord: 97_920, contract: 215_600, codeByte: 1_530 },
}

/** Gas of one blob, priced apart from execution. Source: EIP-4844, GAS_PER_BLOB. */
export const BLOB_GAS = 131_072
/** Execution gas whose price a blob's does not stay below. Source: EIP-7918, BLOB_BASE_COST. */
export const BLOB_BASE_COST = 8_192
