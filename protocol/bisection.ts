/**
 * The game about provable work, see `contracts/BisectionReferee.sol`: two sides take turns to state a run in sixteen
 * parts, each within the first part of the other's that it disagrees with, until one step is left, which is proven.
 *
 * A list at level l states the state hash at the end of each of its parts of 16^(l−1) steps, the last part shorter.
 * The asserter opens and states levels of one parity, down to level 1; the challenger those of the other, and the step.
 *
 * @module
 */
import type { Hex } from 'viem'

import { TallyError } from './errors.ts'
import { concatBytes, fixedBytes, keccak, toBytes, toHex, uintBytes } from './words.ts'

/** Parts that a list divides an interval in. */
export const ARITY = 16
/** Levels of the tree over a list. */
const DEPTH = 4
const WORD = 32
const POSITION_BYTES = 81
const ZERO = new Uint8Array(WORD)

/** Thrown when bytes are no move or no position; `code` is `bisection.malformed` or `bisection.agreed`. */
export class BisectionError extends TallyError {
  override readonly name = 'BisectionError'

  constructor(code: 'bisection.malformed' | 'bisection.agreed', problem: string) {
    super(code, problem)
  }
}

/** Where a game stands after its opening: a list that waits for an answer. */
export type Position = {
  /** Step where the list's interval begins. */
  readonly lo: bigint
  /** Steps of the whole run, as its provider says. */
  readonly steps: bigint
  /** Of the list: its parts are 16^(level − 1) steps long. */
  readonly level: number
  /** State hash at `lo`, on which both sides agree. */
  readonly from: Hex
  /** Root of the list. */
  readonly root: Hex
}

/** An answer to a list: the first part in dispute, and that part in sixteen, or the proof of its one step. */
export type Answer = {
  readonly part: number
  /** State hash where the part begins; absent for part 0, which begins at `from`. */
  readonly before?: Hex
  /** State hash where it ends, which is disputed. */
  readonly entry: Hex
  readonly siblings: readonly Hex[]
  /** The list one level down, or, of a list at level 1, the witness of the step. */
  readonly list: readonly Hex[]
  readonly witness: Hex
}

/** Levels of a run: the smallest L, at least 1, with 16^L ≥ steps. */
export function levelsOf(steps: bigint): number {
  let levels = 1
  while (partSize(levels + 1) < steps) levels += 1
  return levels
}

/** Level of the list that an opening gives: always odd, so that the asserter states the last list. */
export function openingLevel(steps: bigint): number {
  const levels = levelsOf(steps)
  return levels % 2 === 1 ? levels : levels + 1
}

/** Steps of one part of a list at this level. */
export function partSize(level: number): bigint {
  return 1n << BigInt(4 * (level - 1))
}

/** Steps at which the parts of a position's list end. */
export function partEnds({ lo, steps, level }: Pick<Position, 'lo' | 'steps' | 'level'>): bigint[] {
  const ends: bigint[] = []
  for (let end = lo; end < steps && ends.length < ARITY; ) {
    end = smaller(end + partSize(level), steps)
    ends.push(end)
  }
  return ends
}

/** Interval of a part of a position's list, with the ends of the list that answers it; the root is not known yet. */
export function withinPart(position: Position, part: number, before?: Hex): Omit<Position, 'root'> {
  const lo = position.lo + BigInt(part) * partSize(position.level)
  return { lo, steps: position.steps, level: position.level - 1, from: before ?? position.from }
}

/** Root of a list: of the tree over its entries, filled up to 16 with zero words. */
export function listRoot(list: readonly Hex[]): Hex {
  return toHex(levelsOver(list)[DEPTH]?.[0] ?? ZERO)
}

/**
 * First entry of the other side's list that is not as in one's own.
 *
 * @param own - State hashes at {@link partEnds}, by one's own run.
 * @throws {@link BisectionError} when there is none: then the other side is right.
 */
export function firstDisagreement(list: readonly Hex[], own: readonly Hex[]): number {
  const part = list.findIndex((entry, index) => entry !== own[index])
  if (part === -1) throw new BisectionError('bisection.agreed', 'nothing in the list is disputed')
  return part
}

/** The move that answers a list with one's own list for the part one disagrees with. */
export function dissection(list: readonly Hex[], part: number, answer: readonly Hex[]): Hex {
  return encodeAnswer({ ...shown(list, part), list: answer, witness: '0x' })
}

/** The last move: the step of a list at level 1 that does not lead where the list says. */
export function stepProof(list: readonly Hex[], part: number, witness: Hex): Hex {
  return encodeAnswer({ ...shown(list, part), list: [], witness })
}

function shown(list: readonly Hex[], part: number): Omit<Answer, 'list' | 'witness'> {
  const entry = list[part]
  if (entry === undefined) throw new BisectionError('bisection.malformed', `the list has no part ${part}`)
  const before = list[part - 1]
  const siblings = siblingsOf(levelsOver(list), part).map(toHex)
  return { part, entry, siblings, ...(before === undefined ? {} : { before }) }
}

/** Bytes of an answer: part (1) ‖ entry before it, unless it is part 0 ‖ its entry ‖ siblings ‖ list or witness. */
export function encodeAnswer({ part, before, entry, siblings, list, witness }: Answer): Hex {
  const words = [...(before === undefined ? [] : [before]), entry, ...siblings, ...list]
  const bytes = words.map((word) => fixedBytes(word, WORD, 'word'))
  return toHex(concatBytes([uintBytes(part, 8, 'part'), ...bytes, toBytes(witness)]))
}

/**
 * What an answer to a position says, as the chain reads it; that it fits the position's root is not checked.
 *
 * @throws {@link BisectionError} when the bytes are none.
 */
export function decodeAnswer(position: Position, move: Hex): Answer {
  const bytes = toBytes(move)
  const part = bytes[0] ?? ARITY
  if (part >= partEnds(position).length) throw new BisectionError('bisection.malformed', 'there is no such part')
  const reader = wordsFrom(bytes, 1)
  const before = part === 0 ? {} : { before: reader.next() }
  const entry = reader.next()
  const siblings = Array.from({ length: siblingCount(part) }, reader.next)
  const common = { part, ...before, entry, siblings }
  if (position.level === 1) return { ...common, list: [], witness: toHex(reader.rest()) }
  const list = partEnds(withinPart(position, part)).map(reader.next)
  if (reader.rest().length > 0) throw new BisectionError('bisection.malformed', 'the move is too long')
  return { ...common, list, witness: '0x' }
}

/** The position that an answer with a list leads to. */
export function positionAfter(position: Position, { part, before, list }: Answer): Position {
  return { ...withinPart(position, part, before), root: listRoot(list) }
}

/** A game's state: lo (8) ‖ steps (8) ‖ level (1) ‖ state hash at lo (32) ‖ root of the list (32). */
export function encodePosition({ lo, steps, level, from, root }: Position): Hex {
  const numbers = [uintBytes(lo, 64, 'lo'), uintBytes(steps, 64, 'steps'), uintBytes(level, 8, 'level')]
  return toHex(concatBytes([...numbers, fixedBytes(from, WORD, 'from'), fixedBytes(root, WORD, 'root')]))
}

/**
 * Where a game stands, by its state.
 *
 * @returns Undefined before the opening, when the state is empty.
 * @throws {@link BisectionError} when the bytes are no state of this game.
 */
export function decodePosition(state: Hex): Position | undefined {
  const bytes = toBytes(state)
  if (bytes.length === 0) return undefined
  if (bytes.length !== POSITION_BYTES) throw new BisectionError('bisection.malformed', 'is no position')
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const [lo, steps, level] = [view.getBigUint64(0), view.getBigUint64(8), view.getUint8(16)]
  return { lo, steps, level, from: toHex(bytes.slice(17, 49)), root: toHex(bytes.slice(49)) }
}

/** Siblings that show an entry and the one before it. */
function siblingCount(part: number): number {
  let count = 0
  for (let [level, left] = [0, part - 1], met = part === 0; level < DEPTH; level += 1, left >>= 1) {
    if (met) count += 1
    else if (left % 2 === 0) met = true
    else count += 2
  }
  return count
}

/** The same siblings from below; where both ways are apart, that of the left one comes first. */
function siblingsOf(levels: readonly (readonly Uint8Array[])[], part: number): Uint8Array[] {
  const siblings: Uint8Array[] = []
  const at = (level: number, index: number) => levels[level]?.[index] ?? ZERO
  let met = part === 0
  for (let [level, index] = [0, part]; level < DEPTH; level += 1, index >>= 1) {
    if (met) siblings.push(at(level, index ^ 1))
    else if (index % 2 === 1) met = true
    else siblings.push(at(level, index - 2), at(level, index + 1))
  }
  return siblings
}

function levelsOver(list: readonly Hex[]): Uint8Array[][] {
  if (list.length > ARITY) throw new BisectionError('bisection.malformed', 'a list has at most 16 entries')
  const leaves = Array.from({ length: ARITY }, (_, at) => {
    const entry = list[at]
    return entry === undefined ? ZERO : fixedBytes(entry, WORD, 'entry')
  })
  const levels = [leaves]
  for (let level = leaves; level.length > 1; ) {
    level = Array.from({ length: level.length / 2 }, (_, at) => keccak(concatBytes(level.slice(2 * at, 2 * at + 2))))
    levels.push(level)
  }
  return levels
}

/** Reads words one after the other. */
function wordsFrom(bytes: Uint8Array, from: number) {
  let at = from
  return {
    next: (): Hex => {
      const word = bytes.slice(at, at + WORD)
      if (word.length !== WORD) throw new BisectionError('bisection.malformed', 'the move is too short')
      at += WORD
      return toHex(word)
    },
    rest: (): Uint8Array => bytes.slice(at),
  }
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
