/**
 * The asserter's first move of a game about provable work: it opens the receipt's work hash, the program, the input and
 * the final machine state, from which the chain computes the rest, and states its first list.
 *
 * Left out is what the chain knows or computes: the deal's key, task hash, initial state, memory root, output root and
 * work hash.
 *
 * @module
 */
import type { Hex } from 'viem'

import { BisectionError, listRoot, openingLevel, type Position, partEnds } from './bisection.ts'
import { concatBytes, fixedBytes, toBytes, toHex, uintBytes } from './words.ts'

const CORE_BYTES = 137
const HEAD_BYTES = 367

/** What an opening says. */
export type Opening = {
  /** Unix seconds, of the work hash. */
  readonly startedAt: bigint
  readonly endedAt: bigint
  readonly order: { readonly index: bigint; readonly maxUnits: bigint }
  /** Bytes of the input, and root of the tree over its pages as its data root has it. */
  readonly input: { readonly length: number; readonly tree: Hex }
  readonly program: { readonly codeRoot: Hex; readonly programRoot: Hex; readonly entry: number }
  readonly final: FinalState
  /** State hashes at {@link partEnds} of the {@link openingPosition}; the last is that of the final state. */
  readonly list: readonly Hex[]
}

/** The final state, with its memory by regions. */
export type FinalState = {
  readonly programRoot: Hex
  /** Root of the tree over the output's pages as its data root has it; of the output region if the output is empty. */
  readonly output: Hex
  readonly inputRoot: Hex
  /** pc ‖ x1 … x31 ‖ steps ‖ status, 137 bytes. */
  readonly core: Hex
}

/** Bytes of an opening. */
export function encodeOpening({ startedAt, endedAt, order, input, program, final, list }: Opening): Hex {
  const word = (value: Hex, name: string) => fixedBytes(value, 32, name)
  return toHex(
    concatBytes([
      uintBytes(startedAt, 64, 'startedAt'),
      uintBytes(endedAt, 64, 'endedAt'),
      uintBytes(order.index, 64, 'index'),
      uintBytes(order.maxUnits, 48, 'maxUnits'),
      uintBytes(input.length, 32, 'length'),
      word(input.tree, 'tree'),
      word(program.codeRoot, 'codeRoot'),
      word(program.programRoot, 'programRoot'),
      uintBytes(program.entry, 32, 'entry'),
      word(final.programRoot, 'programRoot'),
      word(final.output, 'output'),
      word(final.inputRoot, 'inputRoot'),
      fixedBytes(final.core, CORE_BYTES, 'core'),
      ...list.map((entry) => word(entry, 'entry')),
    ]),
  )
}

/**
 * What an opening's bytes say, as the chain reads them; that it is true to the claim is not checked.
 *
 * @throws {@link BisectionError} when the bytes are none.
 */
export function decodeOpening(move: Hex): Opening {
  const bytes = toBytes(move)
  if (bytes.length < HEAD_BYTES || (bytes.length - HEAD_BYTES) % 32 !== 0) {
    throw new BisectionError('bisection.malformed', 'is no opening')
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const hex = (from: number, length = 32) => toHex(bytes.slice(from, from + length))
  const starts = Array.from({ length: (bytes.length - HEAD_BYTES) / 32 }, (_, at) => HEAD_BYTES + 32 * at)
  return {
    startedAt: view.getBigUint64(0),
    endedAt: view.getBigUint64(8),
    order: { index: view.getBigUint64(16), maxUnits: BigInt(hex(24, 6)) },
    input: { length: view.getUint32(30), tree: hex(34) },
    program: { codeRoot: hex(66), programRoot: hex(98), entry: view.getUint32(130) },
    final: { programRoot: hex(134), output: hex(166), inputRoot: hex(198), core: hex(230, CORE_BYTES) },
    list: starts.map((from) => hex(from)),
  }
}

/** Steps of the run whose final core this is. */
export function stepsOfCore(core: Hex): bigint {
  return BigInt(toHex(fixedBytes(core, CORE_BYTES, 'core').slice(128, 136)))
}

/** Where a run of so many steps stands after its opening. */
export function openingPosition(steps: bigint, initial: Hex, list: readonly Hex[]): Position {
  return { lo: 0n, steps, level: openingLevel(steps), from: initial, root: listRoot(list) }
}

/** Steps at which an opening states the run. */
export function openingEnds(steps: bigint): bigint[] {
  return partEnds({ lo: 0n, steps, level: openingLevel(steps) })
}
