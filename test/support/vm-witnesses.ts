/**
 * Random witnesses of single steps: any core at all, any instruction at all, any tree around the leaves it touches.
 *
 * @module
 */
import { decode } from '#protocol/vm/decode.ts'
import { CODE_BASE, CODE_BYTES, CODE_DEPTH, DATA_BASE, DATA_BYTES, DATA_DEPTH } from '#protocol/vm/layout.ts'
import { type Core, packCore, STATUS, type Status } from '#protocol/vm/state.ts'
import { accessOffset, fetchOffset } from '#protocol/vm/witness.ts'
import { concatBytes, uintBytes } from '#protocol/words.ts'

import type { Random } from '../fuzz/support/random.ts'

/** A witness, and the instruction its step executes, undefined if it fetches none. */
export type RandomWitness = { readonly witness: Uint8Array; readonly core: Core; readonly word: number | undefined }

const OPCODES: readonly [number, ...number[]] = [
  ...([0x33, 0x33, 0x33, 0x13, 0x13, 0x03, 0x03, 0x23, 0x23] as const),
  ...([0x63, 0x63, 0x37, 0x17, 0x6f, 0x67, 0x0f] as const),
]
const FUNCT7: readonly [number, ...number[]] = [0, 0, 0x20, 1, 1]
const EDGES: readonly [number, ...number[]] = [0, 1, -1, 31, 32, 0x7fff_ffff, -0x8000_0000, 0xffff, -0x8000]
const ENDS: readonly [number, ...number[]] = [CODE_BASE - 4, CODE_BASE, CODE_BASE + CODE_BYTES, 0, 0xffff_fffc]

/** One witness. */
export function randomWitness(random: Random): RandomWitness {
  const core = randomCore(random)
  const offset = fetchOffset(core)
  if (offset === undefined)
    return { core, word: undefined, witness: concatBytes([packCore(core), ...twoWords(random)]) }
  const word = randomWord(random)
  const code = random.bytes(32)
  new DataView(code.buffer).setUint32(offset % 32, word, true)
  const accesses = accessOffset(decode(word), core.registers) !== undefined
  const data = accesses ? proofBytes(random, random.bytes(32), DATA_DEPTH) : random.bytes(32)
  return { core, word, witness: concatBytes([packCore(core), proofBytes(random, code, CODE_DEPTH), data]) }
}

function randomCore(random: Random): Core {
  const registers = new Int32Array(32)
  for (let at = 1; at < 32; at += 1) registers[at] = randomValue(random)
  const pc = random.chance(95) ? CODE_BASE + 4 * random.below(CODE_BYTES / 4) : random.pick(ENDS) + random.below(4)
  const statuses: readonly [Status, ...Status[]] = [STATUS.halted, STATUS.trapped]
  const status = random.chance(97) ? STATUS.running : random.pick(statuses)
  return { pc, registers, steps: BigInt(random.below(2 ** 53)), status }
}

/** An edge, any value, or, mostly, an address of data or beside it. */
function randomValue(random: Random): number {
  if (random.chance(20)) return random.pick(EDGES)
  if (random.chance(20)) return random.below(2 ** 32) | 0
  if (random.chance(5)) return (DATA_BASE + DATA_BYTES - random.below(4096)) | 0
  return (DATA_BASE + 4 * random.below(DATA_BYTES / 4)) | 0
}

function randomWord(random: Random): number {
  if (random.chance(5)) return random.below(2 ** 32)
  if (random.chance(2)) return random.pick([0x73, 0x0010_0073, 0x3020_0073, 0, 0xffff_ffff])
  const rest = random.below(2 ** 25)
  const top = random.chance(90) ? random.pick(FUNCT7) : random.below(128)
  const opcode = random.pick(OPCODES)
  // small, even offsets for what goes to memory or jumps, so that most of it is aligned
  const isFar = opcode === 0x33 || opcode === 0x13 || random.chance(30)
  const fields = isFar ? (top * 2 ** 18 + (rest % 2 ** 18)) % 2 ** 25 : rest & ~(3 << 13) & ~(3 << 0)
  return (fields * 128 + opcode) >>> 0
}

function proofBytes(random: Random, leaf: Uint8Array, depth: number): Uint8Array {
  const mask = random.pick([0, 2 ** depth - 1, random.below(2 ** depth), random.below(2 ** depth)])
  const siblings = Array.from({ length: depth }, () => random.bytes(32)).filter((_, level) => (mask >>> level) & 1)
  return concatBytes([leaf, uintBytes(mask, 24, 'mask'), ...siblings])
}

function twoWords(random: Random): [Uint8Array, Uint8Array] {
  return [random.bytes(32), random.bytes(32)]
}
