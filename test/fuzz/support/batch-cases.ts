/**
 * The cases of the decoders' fuzz: six in ten are valid by construction, the others are wounded.
 *
 * @module
 */
import { bytesOf, type Piece, type Shape, validPieces } from './batch-pieces.ts'
import { createRandom, type Random } from './random.ts'
import { WOUNDS } from './wounds.ts'

/** A batch to decode. */
export type BatchCase = {
  readonly index: number
  /** How it was made. */
  readonly construction: string
  /** Whether it was made so that every decoder must take it. */
  readonly isValid: boolean
  readonly bytes: Uint8Array
  /** What stands behind the batch in the call: it must not be read as part of it. */
  readonly behind: Uint8Array
}

const VALID_PERCENT = 60
const BLOB_PERCENT = 35

const small = (random: Random, mode: number): Shape => ({
  mode,
  lane: random.below(mode === 0 ? 3 : 2),
  groups: 1 + random.below(4),
  receipts: 3,
  isWide: false,
})

type Kind = { readonly name: string; readonly shape: (random: Random, mode: number) => Shape }

const SMALL: Kind = { name: 'small numbers', shape: small }
const WIDE: Kind = { name: 'wide numbers', shape: (random, mode) => ({ ...small(random, mode), isWide: true }) }
const ONE_DEAL: Kind = { name: 'one deal', shape: (random, mode) => ({ ...small(random, mode), isOneDeal: true }) }
const LONG: Kind = { name: 'long groups', shape: (random, mode) => ({ ...small(random, mode), receipts: 130 }) }
const MANY: Kind = {
  name: 'many groups',
  shape: (random, mode) => ({ ...small(random, mode), groups: 1 + random.below(140), receipts: 1 }),
}

/** A kind of valid batches; large ones are dear to decode, so one in fifty is. */
function kindOf(random: Random): Kind {
  if (random.chance(2)) return random.pick([LONG, MANY])
  return random.pick([SMALL, SMALL, SMALL, SMALL, WIDE, WIDE, WIDE, WIDE, ONE_DEAL])
}

/** Nothing, a whole group, or noise. */
function behindOf(random: Random, pieces: readonly Piece[]): Uint8Array {
  const start = pieces.findIndex(({ field }) => field === 'stream')
  return random.pick([
    new Uint8Array(),
    bytesOf(pieces.slice(start)),
    new Uint8Array(150).fill(0xff),
    random.bytes(200),
  ])
}

const WOUND_NAMES = Object.keys(WOUNDS) as [string, ...string[]]

/** Case `index` of the run with this seed. */
export function batchCase(seed: string, index: number): BatchCase {
  const random = createRandom(seed, index)
  const mode = random.chance(BLOB_PERCENT) ? 1 : 0
  const kind = kindOf(random)
  const pieces: Piece[] = validPieces(random, kind.shape(random, mode))
  if (random.chance(VALID_PERCENT)) {
    const construction = `${mode === 0 ? 'calldata' : 'blobs'}, ${kind.name}`
    return { index, construction, isValid: true, bytes: bytesOf(pieces), behind: behindOf(random, pieces) }
  }
  const construction = random.pick(WOUND_NAMES)
  const bytes = WOUNDS[construction]?.(random, pieces) ?? bytesOf(pieces)
  const whole = bytesOf(pieces)
  // what was cut off stands right behind the cut, where a decoder that reads too far finds it
  const isCut = whole.length > bytes.length && whole.subarray(0, bytes.length).equals(bytes)
  const behind = isCut ? whole.subarray(bytes.length) : behindOf(random, pieces)
  return { index, construction, isValid: false, bytes, behind }
}
