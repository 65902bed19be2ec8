/**
 * Random choices that a seed and an index make again, so that any case of a long run can be repeated by itself.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto'

/** Choices of one case. */
export type Random = {
  /** A whole number in [0, below); `below` is at most 2⁵³. */
  below(below: number): number
  /** True in `percent` of 100 cases. */
  chance(percent: number): boolean
  pick<T>(list: readonly [T, ...T[]]): T
  bytes(length: number): Uint8Array
  /** A whole number of at most `max`, small ones and the edges of bytes as likely as large ones. */
  number(max: number): number
}

/** Choices of case `index` of the run with this seed. */
export function createRandom(seed: string, index: number): Random {
  const state = new Uint32Array(createHash('sha256').update(`${seed} ${index}`).digest().buffer.slice(0, 32))

  // Source: sfc32 of PractRand, Chris Doty-Humphrey, public domain.
  function next(): number {
    const [a = 0, b = 0, c = 0, counter = 0] = state
    const result = (a + b + counter) >>> 0
    state.set([b ^ (b >>> 9), c + (c << 3), ((c << 21) | (c >>> 11)) + result, counter + 1])
    return result
  }

  const below = (limit: number): number => {
    if (limit <= 2 ** 32) return Math.floor((next() / 2 ** 32) * limit)
    return ((next() & 0x1fffff) * 2 ** 32 + next()) % limit
  }
  const chance = (percent: number): boolean => below(100) < percent
  const pick = <T>(list: readonly [T, ...T[]]): T => list[below(list.length)] ?? list[0]

  return {
    below,
    chance,
    pick,
    bytes(length) {
      const bytes = new Uint8Array(length)
      for (let at = 0; at < length; at += 1) bytes[at] = next() >>> 24
      return bytes
    },
    number(max) {
      if (max < 1) return 0
      const edges = EDGES.filter((edge) => edge <= max)
      if (chance(20)) return edges[below(edges.length)] ?? 0
      if (chance(10)) return max - below(2)
      const bits = below(Math.floor(Math.log2(max)) + 1)
      return Math.min(max, below(2 ** (bits + 1)))
    },
  }
}

/** Where an integer becomes a byte longer, from both sides. */
const EDGES = [7, 8, 16, 24, 32].flatMap((bits) => [2 ** bits - 1, 2 ** bits]).concat([0, 1])

/** What a run does. */
export type Run = { readonly seed: string; readonly cases: number; readonly first: number }

/**
 * The run that the environment asks for: `TALLY_DEEP=1` makes it long, `TALLY_FUZZ_SEED` repeats one, and
 * `TALLY_FUZZ_CASE` repeats a single case of it.
 */
export function runOf(cases: { normal: number; deep: number }): Run {
  const { TALLY_DEEP, TALLY_FUZZ_SEED, TALLY_FUZZ_CASE } = process.env
  const seed = TALLY_FUZZ_SEED ?? `0x${randomBytes(32).toString('hex')}`
  if (TALLY_FUZZ_CASE !== undefined) return { seed, cases: 1, first: Number(TALLY_FUZZ_CASE) }
  return { seed, cases: TALLY_DEEP === '1' ? cases.deep : cases.normal, first: 0 }
}

/** How to see a failed case again. */
export function repetition(seed: string, index: number): string {
  return `TALLY_FUZZ_SEED=${seed} TALLY_FUZZ_CASE=${index}`
}
