/**
 * A program's code as the translator reads it: its instructions, and where its computed jumps may lead to.
 *
 * @module
 */
import { decode, type Instruction, OP } from '#protocol/vm/decode.ts'
import type { Image } from '#protocol/vm/elf.ts'
import { CODE_BASE } from '#protocol/vm/layout.ts'

import { type Cases, type CodeView, codeOffset } from './blocks.ts'

/** Targets of one computed jump at most. */
const MAX_CASES = 512
/** Numbers have 16 bits; 0 means none. */
const MAX_NUMBER = 65_535

/**
 * Reads a program's code.
 *
 * @param numbers - By word of code: where the numbers of jumps' targets go.
 */
export function createCodeView(image: Image, numbers: Uint16Array): CodeView {
  const { codeLength } = image
  const words = new DataView(image.code.buffer, image.code.byteOffset, codeLength)
  const decoded: Instruction[] = []
  let surroundings: (pc: number) => Cases = (pc) => {
    surroundings = numberTargets(image, words, numbers)
    return surroundings(pc)
  }
  return {
    at(pc) {
      const offset = codeOffset(pc)
      if (offset >= codeLength || offset % 4 !== 0) return undefined
      decoded[offset / 4] ??= decode(words.getUint32(offset, true))
      return decoded[offset / 4]
    },
    casesAt: (pc) => surroundings(pc),
  }
}

/**
 * Numbers every place in code whose address stands in the program's memory, as jump tables' entries do.
 *
 * A jump's own are those between the last place before it that is called and the next one.
 */
function numberTargets(image: Image, words: DataView, numbers: Uint16Array): (pc: number) => Cases {
  const targets = addressesIn(image).slice(0, MAX_NUMBER)
  for (const [index, pc] of targets.entries()) numbers[codeOffset(pc) / 4] = index + 1
  const borders = calledPlaces(words)
  return (pc) => {
    const next = firstAbove(borders, pc)
    const from = firstAbove(targets, (borders[next - 1] ?? CODE_BASE) - 1)
    const to = firstAbove(targets, (borders[next] ?? 2 ** 32) - 1)
    return { first: from + 1, targets: targets.slice(from, Math.min(to, from + MAX_CASES)) }
  }
}

/** Addresses of code that stand as words in the program's segments, ascending, each once. */
function addressesIn({ segments, codeLength }: Image): number[] {
  const found = new Set<number>()
  for (const { bytes, address } of segments) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = -address & 3; at + 4 <= bytes.length; at += 4) {
      const word = view.getUint32(at, true)
      if (word % 4 === 0 && codeOffset(word) < codeLength) found.add(word)
    }
  }
  return [...found].sort((one, other) => one - other)
}

/** Places that calls lead to, ascending. */
function calledPlaces(words: DataView): number[] {
  const found = new Set<number>()
  for (let at = 0; at + 4 <= words.byteLength; at += 4) {
    const word = words.getUint32(at, true)
    if ((word & 0xfff) !== 0x0ef) continue
    const { op, imm } = decode(word)
    if (op === OP.JAL) found.add(CODE_BASE + at + imm)
  }
  return [...found].sort((one, other) => one - other)
}

/** Index of the first value above `limit` in ascending ones. */
function firstAbove(values: readonly number[], limit: number): number {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((values[middle] as number) > limit) high = middle
    else low = middle + 1
  }
  return low
}
