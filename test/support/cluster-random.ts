/**
 * Choices that the same seed makes again.
 *
 * @module
 */
import { randomInt } from 'node:crypto'

import { keccak256, stringToHex } from 'viem'

/** A stream of choices. */
export type Choices = {
  /** A whole number in [0, below). */
  below(below: number): number
  /** The list in another order. */
  shuffled<T>(list: readonly T[]): T[]
}

/** Creates the choices of one part of a run; parts of other names are independent of it. */
export function createChoices(seed: number, name: string): Choices {
  let state = keccak256(stringToHex(`${seed} ${name}`))
  const below = (limit: number): number => {
    state = keccak256(state)
    return Number(BigInt(state) % BigInt(limit))
  }
  return {
    below,
    shuffled(list) {
      const left = [...list]
      return Array.from(list, () => left.splice(below(left.length), 1)).flat()
    },
  }
}

/** Seed of this run: `TALLY_SEED`, or a new one, which is printed so that the run can be repeated. */
export function seedOfRun(): number {
  const given = process.env.TALLY_SEED
  const seed = given === undefined ? randomInt(1_000_000) : Number(given)
  if (!Number.isSafeInteger(seed)) throw new Error(`TALLY_SEED ${given} is no whole number`)
  console.log(`    seed ${seed} (set TALLY_SEED to repeat it)`)
  return seed
}
