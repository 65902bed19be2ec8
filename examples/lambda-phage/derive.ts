/**
 * Derives `data/` from the genome and the reads in the Debian package `bowtie2-examples`:
 * `node examples/lambda-phage/derive.ts [FOLDER]`. See SOURCE.md.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

import { joinTasks, packTasks } from '../support/tasks.ts'

/** Where the package puts its files. */
export const packageFolder = '/usr/share/doc/bowtie2/examples'
/** Pairs of reads taken, the package's first. */
const PAIRS = 2_000
const PAIRS_PER_TASK = 50
const letters = 'ACGT'

function readText(name: string): string {
  return gunzipSync(readFileSync(join(packageFolder, name))).toString('latin1')
}

/** Letters of the genome (u32), then 2 bits each. */
export function deriveGenome(): Buffer {
  const [, ...lines] = readText('reference/lambda_virus.fa.gz').split('\n')
  const genome = lines.join('')
  const packed = Buffer.alloc(4 + Math.ceil(genome.length / 4))
  packed.writeUInt32LE(genome.length)
  for (const [place, letter] of [...genome].entries()) {
    const at = 4 + (place >> 2)
    packed[at] = (packed[at] ?? 0) | (letters.indexOf(letter) << (2 * (place % 4)))
  }
  return packed
}

function encodeRead(read: string): Buffer {
  const encoded = Buffer.alloc(2 + Math.ceil(read.length / 2))
  encoded.writeUInt16LE(read.length)
  for (const [place, letter] of [...read].entries()) {
    const code = letters.includes(letter) ? letters.indexOf(letter) : letters.length
    const at = 2 + (place >> 1)
    encoded[at] = (encoded[at] ?? 0) | (code << (4 * (place % 2)))
  }
  return encoded
}

/** The tasks' reads, without the genome before them: their number (u32), then pair by pair both reads. */
export function deriveReads(): Buffer {
  const mates = ['reads/reads_1.fq.gz', 'reads/reads_2.fq.gz'].map((name) =>
    readText(name)
      .split('\n')
      .filter((_, line) => line % 4 === 1)
      .slice(0, PAIRS),
  )
  const tasks: Buffer[] = []
  for (let first = 0; first < PAIRS; first += PAIRS_PER_TASK) {
    const count = Buffer.alloc(4)
    count.writeUInt32LE(2 * PAIRS_PER_TASK)
    const pairs = Array.from({ length: PAIRS_PER_TASK }, (_, at) => mates.map((reads) => reads[first + at] ?? ''))
    tasks.push(Buffer.concat([count, ...pairs.flat().map(encodeRead)]))
  }
  return joinTasks(tasks)
}

if (import.meta.main) {
  const folder = process.argv[2] ?? join(import.meta.dirname, 'data')
  writeFileSync(join(folder, 'genome.bin'), deriveGenome())
  writeFileSync(join(folder, 'reads.bin.br'), packTasks(deriveReads()))
}
