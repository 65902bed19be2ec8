/**
 * Phage lambda: where on the genome do 4,000 reads of it come from?
 *
 * The virus is the one every biology class meets. The reads imitate a sequencer, its errors included. They come in
 * pairs, from both ends of one molecule towards each other: a pair that is not found face to face shows a mistake.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { readTasks } from '../support/tasks.ts'

const RECORD_BYTES = 6
const NOWHERE = 0xffff_ffff
/** Most letters from one end of a molecule's forward read to its other read's first letter. */
const MAX_MOLECULE = 1_000

/** Where a read was found. */
export type Placement = {
  /** Of its first letter, from 0, on the strand the genome is written on. */
  readonly place: number
  readonly strand: '+' | '-'
  /** Letters that differ, are inserted or missing. */
  readonly differences: number
}

/** What the whole workload found. */
export type Summary = {
  /** A table for people, one line each. */
  readonly lines: string[]
  /** The finding, in one sentence. */
  readonly event: string
  readonly reads: number
  readonly placed: number
  /** Pairs found facing each other on opposite strands. */
  readonly facing: number
}

/** The program every task runs: an ELF file. */
export function program(): Uint8Array {
  return readHere('map-reads.elf')
}

/** The other program: cuts the genome with enzymes. Its input is `digestInput`. */
export function digestProgram(): Uint8Array {
  return readHere('digest.elf')
}

function readHere(name: string): Uint8Array {
  return Uint8Array.from(readFileSync(join(import.meta.dirname, name)))
}

/**
 * The tasks' inputs, a hundred reads each.
 *
 * @param count - How many, default all 40.
 */
export function loadTasks(count = Number.POSITIVE_INFINITY): { readonly inputs: Uint8Array[] } {
  const genome = readHere('data/genome.bin')
  const [size, letters] = [genome.subarray(0, 4), genome.subarray(4)]
  const tasks = readTasks(join(import.meta.dirname, 'data/reads.bin.br'), count)
  const inputs = tasks.map((reads) =>
    Uint8Array.from(Buffer.concat([size, reads.subarray(0, 4), letters, reads.subarray(4)])),
  )
  return { inputs }
}

/**
 * What `digestProgram` takes.
 *
 * @param enzymes - Lines of name, recognised letters, letters before the cut.
 */
export function digestInput(enzymes: string): Uint8Array {
  return Uint8Array.from(Buffer.concat([readHere('data/genome.bin'), Buffer.from(enzymes)]))
}

/**
 * Reads where one task found its reads; null: nowhere. Reads of a pair follow one another.
 *
 * @throws RangeError when the bytes are no result of the program.
 */
export function readResult(output: Uint8Array): (Placement | null)[] {
  if (output.length % RECORD_BYTES !== 0) throw new RangeError(`a result of ${output.length} bytes`)
  const view = new DataView(output.buffer, output.byteOffset, output.length)
  return Array.from({ length: output.length / RECORD_BYTES }, (_, index) => {
    const at = RECORD_BYTES * index
    const place = view.getUint32(at, true)
    if (place === NOWHERE) return null
    return { place, strand: view.getUint8(at + 4) === 0 ? '+' : '-', differences: view.getUint8(at + 5) }
  })
}

/** Distance of two reads that face each other, forward read first; null when they do not. */
function facingDistance(one: Placement | null | undefined, other: Placement | null | undefined): number | null {
  if (one == null || other == null || one.strand === other.strand) return null
  const distance = one.strand === '+' ? other.place - one.place : one.place - other.place
  return distance >= 0 && distance <= MAX_MOLECULE ? distance : null
}

/**
 * Puts the tasks' results together.
 *
 * @param outputs - What the program wrote, in any order, any number of tasks.
 */
export function summarise(outputs: readonly Uint8Array[]): Summary {
  const reads = outputs.flatMap(readResult)
  const placed = reads.filter((read) => read !== null)
  const facing = reads.filter((read, at) => at % 2 === 0 && facingDistance(read, reads[at + 1]) !== null).length
  const share = (part: number, whole: number): string => `${((100 * part) / Math.max(whole, 1)).toFixed(1)} %`
  const mean = placed.reduce((sum, { differences }) => sum + differences, 0) / Math.max(placed.length, 1)
  const numbers = { reads: reads.length, placed: placed.length, facing }
  return {
    ...numbers,
    event: `${share(placed.length, reads.length)} of ${reads.length} reads have a place on the genome of phage lambda.`,
    lines: [
      `${reads.length} reads, ${placed.length} placed (${share(placed.length, reads.length)})`,
      `${reads.length / 2} pairs, ${facing} face each other (${share(facing, reads.length / 2)})`,
      `${mean.toFixed(1)} letters of a placed read differ from the genome on average`,
    ],
  }
}
