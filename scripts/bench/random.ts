/**
 * Everything random in a bench, from its seed alone.
 *
 * @module
 */
import { type Hex, keccak256, stringToHex } from 'viem'

/** A stream of numbers that the same seed and name always give again. */
export type Random = {
  /** A number in [0, 1). */
  next(): number
  /** 32 bytes without a pattern. */
  bytes32(): Hex
}

const FRACTION_BITS = 48

/**
 * Creates one stream of numbers.
 *
 * @param seed - Seed of the run.
 * @param name - Streams of different names are independent of each other.
 */
export function createRandom(seed: number, name: string): Random {
  let state = keccak256(stringToHex(`${seed}/${name}`))
  const bytes32 = (): Hex => {
    state = keccak256(state)
    return state
  }
  return { bytes32, next: () => Number.parseInt(bytes32().slice(-FRACTION_BITS / 4), 16) / 2 ** FRACTION_BITS }
}

/** The private key of one actor. */
export function keyOf(seed: number, role: string, index: number): Hex {
  return keccak256(stringToHex(`${seed}/${role}/${index}`))
}
