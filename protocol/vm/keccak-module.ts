/**
 * WebAssembly module that hashes 64-byte pairs with keccak-256, two of them at once in the lanes of 128-bit vectors.
 *
 * It exports its `memory` and `hashPairs(from, to, pairs)`: hash i of the 64 bytes at from + 64 i goes to to + 32 i, in
 * ascending order of i, so `to` may be `from`. An odd number of pairs reads and writes as if it were the next even one.
 *
 * Source: FIPS 202 with the padding of Keccak, section "SHA-3 team's submission"; the names of the steps are theirs.
 *
 * @module
 */

/** Memory below this is the module's own: its round constants. */
export const SCRATCH_AT = 1024
/** Memory from there on that callers may fill. */
export const SCRATCH_BYTES = 262_144
/** 64 KiB each: what is above, and a rest that an odd last pair's neighbour is read from. */
const MEMORY_PAGES = 5

const ROUNDS = 24
/** Rounds per turn of the loop. */
const UNROLLED = 4
const ROTATIONS: readonly number[] = [
  0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14,
]
const LANES = 25

const I32 = 0x7f
const V128 = 0x7b
/** Locals: the parameters, the address of the next round constant, the state, its moved lanes, columns' sums, mixes. */
const FROM = 0
const TO = 1
const LEFT = 2
const ROUND = 3
const STATE = 4
const MOVED = STATE + LANES
const COLUMN = MOVED + LANES
const MIX = COLUMN + 5
const SPARE = MIX + 5
const VECTORS = SPARE + 1 - STATE

const LOW_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]
const HIGH_HALVES = LOW_HALVES.map((byte) => byte + 8)

const get = (local: number) => [0x20, local]
const set = (local: number) => [0x21, local]
const constant = (value: number) => [0x41, ...signedLeb(value)]
const vector = (code: number, ...rest: number[]) => [0xfd, ...leb(code), ...rest]
const load = (offset: number) => vector(0x00, 0, ...leb(offset))
const loadSplat = (offset: number) => vector(0x0a, 0, ...leb(offset))
const store = (offset: number) => vector(0x0b, 0, ...leb(offset))
const shuffle = (lanes: readonly number[]) => vector(0x0d, ...lanes)
const andNot = vector(0x4f)
const or = vector(0x50)
const xor = vector(0x51)
const shiftLeft = vector(0xcb)
const shiftRight = vector(0xcd)
const add = 0x6a
const subtract = 0x6b
const lessThan = 0x48
const greaterThan = 0x4a
const branchIf = 0x0d
const loop = [0x03, 0x40]
const end = 0x0b

/** The module's bytes. */
export function keccakModule(): Uint8Array<ArrayBuffer> {
  const body = [...leb(2), 1, I32, VECTORS, V128, ...hashPairs(), end]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, I32, I32, I32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, ...leb(MEMORY_PAGES)]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('hashPairs'), 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
    ...section(11, [1, 0, ...constant(0), end, ...leb(8 * ROUNDS), ...roundConstants()]),
  ])
}

function hashPairs(): number[] {
  const next = [
    ...[...get(FROM), ...constant(128), add, ...set(FROM)],
    ...[...get(TO), ...constant(64), add, ...set(TO)],
    ...[...get(LEFT), ...constant(2), subtract, 0x22, LEFT],
  ]
  const isMore = [...constant(0), greaterThan]
  return [...loop, ...absorb(), ...permute(), ...squeeze(), ...next, ...isMore, branchIf, 0, end]
}

/** Both pairs' eight lanes and the padding of a message of 64 bytes. */
function absorb(): number[] {
  const code: number[] = []
  for (let lane = 0; lane < 8; lane += 2) {
    const both = [...get(FROM), ...load(8 * lane), ...get(FROM), ...load(64 + 8 * lane)]
    code.push(...both, ...shuffle(LOW_HALVES), ...set(STATE + lane))
    code.push(...both, ...shuffle(HIGH_HALVES), ...set(STATE + lane + 1))
  }
  for (let lane = 8; lane < LANES; lane += 1) code.push(...padding(lane), ...set(STATE + lane))
  return code
}

function padding(lane: number): number[] {
  const half = [lane === 8 ? 1 : 0, 0, 0, 0, 0, 0, 0, lane === 16 ? 0x80 : 0]
  return vector(0x0c, ...half, ...half)
}

function squeeze(): number[] {
  const code: number[] = []
  for (let lane = 0; lane < 4; lane += 2) {
    const both = [...get(STATE + lane), ...get(STATE + lane + 1)]
    code.push(...get(TO), ...both, ...shuffle(LOW_HALVES), ...store(8 * lane))
    code.push(...get(TO), ...both, ...shuffle(HIGH_HALVES), ...store(32 + 8 * lane))
  }
  return code
}

function permute(): number[] {
  const rounds = Array.from({ length: UNROLLED }, (_, index) => round(8 * index))
  const next = [...get(ROUND), ...constant(8 * UNROLLED), add, 0x22, ROUND]
  const notLast = [...constant(8 * ROUNDS), lessThan]
  return [...constant(0), ...set(ROUND), ...loop, ...rounds.flat(), ...next, ...notLast, branchIf, 0, end]
}

/** One round; its constant stands `constantAt` bytes behind the one that ROUND points to. */
function round(constantAt: number): number[] {
  return [...theta(), ...Array.from({ length: LANES }, (_, lane) => moved(lane)).flat(), ...chi(constantAt)]
}

function theta(): number[] {
  const code: number[] = []
  for (let x = 0; x < 5; x += 1) {
    code.push(...get(STATE + x))
    for (let y = 1; y < 5; y += 1) code.push(...get(STATE + x + 5 * y), ...xor)
    code.push(...set(COLUMN + x))
  }
  for (let x = 0; x < 5; x += 1) {
    const mix = [...get(COLUMN + ((x + 4) % 5)), ...rotated(get(COLUMN + ((x + 1) % 5)), 1), ...xor]
    code.push(...mix, ...set(MIX + x))
  }
  return code
}

/** The mix of theta, rho and pi of one lane: lane (x, y) goes to (y, 2 x + 3 y). */
function moved(lane: number): number[] {
  const x = lane % 5
  const y = Math.floor(lane / 5)
  const mixed = [...get(STATE + lane), ...get(MIX + x), ...xor]
  return [...rotated(mixed, ROTATIONS[lane] ?? 0), ...set(MOVED + y + 5 * ((2 * x + 3 * y) % 5))]
}

function chi(constantAt: number): number[] {
  const code: number[] = []
  for (let lane = 0; lane < LANES; lane += 1) {
    const row = lane - (lane % 5)
    const ahead = (by: number) => get(MOVED + row + ((lane + by) % 5))
    const iota = lane === 0 ? [...get(ROUND), ...loadSplat(constantAt), ...xor] : []
    code.push(...get(MOVED + lane), ...ahead(2), ...ahead(1), ...andNot, ...xor, ...iota, ...set(STATE + lane))
  }
  return code
}

/** The code's value with both lanes rotated to the left. */
function rotated(code: readonly number[], by: number): number[] {
  if (by === 0) return [...code]
  const [left, right] = [constant(by), constant(64 - by)]
  return [...code, 0x22, SPARE, ...left, ...shiftLeft, ...get(SPARE), ...right, ...shiftRight, ...or]
}

/** The round constants, little-endian: bit 2^j - 1 of each comes from a shift register with x^8 + x^6 + x^5 + x^4 + 1. */
function roundConstants(): number[] {
  const bytes: number[] = []
  let register = 1
  for (let index = 0; index < ROUNDS; index += 1) {
    let word = 0n
    for (let bit = 0; bit < 7; bit += 1) {
      if ((register & 1) === 1) word |= 1n << ((1n << BigInt(bit)) - 1n)
      register = (register << 1) ^ (register >= 0x80 ? 0x171 : 0)
    }
    for (let byte = 0n; byte < 8n; byte += 1n) bytes.push(Number((word >> (8n * byte)) & 0xffn))
  }
  return bytes
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content]
}

function name(text: string): number[] {
  return [text.length, ...Array.from(text, (letter) => letter.charCodeAt(0))]
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)]
}

function signedLeb(value: number): number[] {
  const isLast = value >= -0x40 && value < 0x40
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signedLeb(value >> 7)]
}
