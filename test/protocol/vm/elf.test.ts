/** @module */
import { expect } from 'chai'
import { encodeAbiParameters, keccak256 } from 'viem'

import { loadElf, ProgramError, programHash } from '#protocol/vm/elf.ts'
import { CODE_BASE, CODE_BYTES, CODE_DEPTH, PROGRAM_BASE, PROGRAM_BYTES, PROGRAM_DEPTH } from '#protocol/vm/layout.ts'
import { toHex } from '#protocol/words.ts'

import { createRandom, repetition, runOf } from '../../fuzz/support/random.ts'
import { asm, type ElfSegment, elfOf, elfOfCode, wordBytes } from '../../support/vm-assembler.ts'
import { plainRoot } from '../../support/vm-trees.ts'

const CODE = wordBytes([asm.addi(5, 0, 1), asm.ecall()])
const DATA = Uint8Array.of(1, 2, 3, 4, 5)
const text: ElfSegment = { address: CODE_BASE, bytes: CODE, isExecutable: true }
const data: ElfSegment = { address: CODE_BASE + 0x2000, bytes: DATA, memoryBytes: 100 }

/** The file with another value in its header, or in the first row of its table of segments. */
function altered(at: number, value: number, size: 1 | 2 | 4, file = elfOf([text, data])): Uint8Array {
  const view = new DataView(file.buffer)
  if (size === 1) view.setUint8(at, value)
  else if (size === 2) view.setUint16(at, value, true)
  else view.setUint32(at, value, true)
  return file
}

function codeOf(file: Uint8Array): string | undefined {
  try {
    loadElf(file)
    return undefined
  } catch (error) {
    return error instanceof ProgramError ? error.code : String(error)
  }
}

describe('Loading a program', () => {
  it('puts executable segments into code, and all of them into data', () => {
    const image = loadElf(elfOf([data, text], CODE_BASE + 4))
    expect(image.entry).to.equal(CODE_BASE + 4)
    expect(image.codeLength).to.equal(8)
    expect(image.code.subarray(0, 8)).to.deep.equal(CODE)
    expect(image.code.subarray(8).every((byte) => byte === 0)).to.equal(true)
    expect(image.segments.map(({ address, bytes }) => [address, bytes])).to.deep.equal([
      [text.address, CODE],
      [data.address, DATA],
    ])
    expect(toHex(image.codeTree.root())).to.equal(plainRoot(CODE, CODE_DEPTH))
  })

  it('is named by the hash of its code, its region and its entry', () => {
    const region = new Uint8Array(0x2005)
    region.set(CODE)
    region.set(DATA, 0x2000)
    const words = [plainRoot(CODE, CODE_DEPTH), plainRoot(region, PROGRAM_DEPTH), BigInt(CODE_BASE)] as const
    const expected = keccak256(
      encodeAbiParameters([{ type: 'bytes32' }, { type: 'bytes32' }, { type: 'uint256' }], words),
    )
    expect(programHash(loadElf(elfOf([text, data])))).to.equal(expected)
  })

  it('is named otherwise with another entry, other code or other data', () => {
    const names = [
      elfOf([text, data]),
      elfOf([text, data], CODE_BASE + 4),
      elfOf([text, { ...data, bytes: Uint8Array.of(1, 2, 3, 4, 6) }]),
      elfOf([{ ...text, isExecutable: false }, data]),
      elfOf([text]),
    ].map((file) => programHash(loadElf(file)))
    expect(new Set(names).size).to.equal(names.length)
  })

  it('does not depend on the order of segments, nor on zeros at their end', () => {
    const padded = { ...data, bytes: Uint8Array.of(...DATA, 0, 0) }
    const names = [elfOf([text, data]), elfOf([data, text]), elfOf([text, padded])].map((file) =>
      programHash(loadElf(file)),
    )
    expect(new Set(names).size).to.equal(1)
  })

  it('takes segments at the edges of their regions', () => {
    const last = { address: PROGRAM_BASE + PROGRAM_BYTES - 5, bytes: DATA }
    const lastCode = { address: CODE_BASE + CODE_BYTES - 8, bytes: CODE, isExecutable: true }
    const beside = { address: CODE_BASE + CODE_BYTES, bytes: DATA }
    const image = loadElf(elfOf([lastCode, beside, last], CODE_BASE + CODE_BYTES - 4))
    expect(image.codeLength).to.equal(CODE_BYTES)
    expect(image.segments).to.have.lengthOf(3)
  })

  it('takes memory of executable segments that goes on behind the code region, but no bytes', () => {
    const wide = { ...text, memoryBytes: CODE_BYTES + 4096 }
    expect(loadElf(elfOf([wide])).codeLength).to.equal(CODE.length)
  })

  it('leaves out the headers that a linker mapped in front of the code', () => {
    const headers = 52 + 32
    const file = elfOfCode([asm.addi(5, 0, 1), asm.ecall()])
    altered(52 + 4, 0, 4, file)
    altered(52 + 8, CODE_BASE - headers, 4, file)
    altered(52 + 16, headers + 8, 4, file)
    altered(52 + 20, headers + 8, 4, file)
    expect(programHash(loadElf(file))).to.equal(programHash(loadElf(elfOfCode([asm.addi(5, 0, 1), asm.ecall()]))))
  })

  it('keeps what it read of a buffer that is used again', () => {
    const file = Buffer.from(elfOf([text, data]))
    const image = loadElf(file)
    const name = programHash(image)
    file.fill(0xff)
    expect(programHash(image)).to.equal(name)
    expect(image.segments[1]?.bytes).to.deep.equal(DATA)
  })

  it('refuses compressed instructions by a code of their own', () => {
    expect(codeOf(altered(36, 1, 4))).to.equal('program.compressed')
    expect(codeOf(altered(36, 5, 4))).to.equal('program.compressed')
  })

  const refusals: Record<string, () => Uint8Array> = {
    'no bytes': () => new Uint8Array(),
    'half a header': () => elfOf([text]).slice(0, 40),
    'another magic number': () => altered(0, 0x7e, 1),
    'a 64-bit file': () => altered(4, 2, 1),
    'a big-endian file': () => altered(5, 2, 1),
    'an object file that is not linked': () => altered(16, 1, 2),
    'a shared object': () => altered(16, 3, 2),
    'a file for another machine': () => altered(18, 3, 2),
    'an entry between two instructions': () => altered(24, CODE_BASE + 2, 4),
    'an entry below the code': () => altered(24, CODE_BASE - 4, 4),
    'an entry behind the code region': () => altered(24, CODE_BASE + CODE_BYTES, 4),
    'a table behind the end of the file': () => altered(28, 0xffff_fff0, 4),
    'a table with more rows than the file': () => altered(44, 0xffff, 2),
    'rows that are too short': () => altered(42, 16, 2),
    'nothing to load': () => altered(52, 4, 4, elfOf([text])),
    'no rows': () => altered(44, 0, 2),
    'bytes behind the end of the file': () => altered(52 + 4, 0xffff_ff00, 4),
    'more bytes in the file than in memory': () => altered(52 + 20, 4, 4),
    'a segment below the region': () => elfOf([text, { ...data, address: PROGRAM_BASE - 8 }]),
    'a segment that goes beyond the region': () =>
      elfOf([text, { ...data, address: PROGRAM_BASE + PROGRAM_BYTES - 4 }]),
    'a segment around the end of all addresses': () => elfOf([text, { ...data, address: 0xffff_fff0 }]),
    'a segment with far too much memory': () => elfOf([text, { ...data, memoryBytes: 0xffff_ffff }]),
    'code behind the code region': () => elfOf([{ ...text, address: CODE_BASE + CODE_BYTES - 4 }]),
    'segments that overlap': () => elfOf([text, { ...data, address: CODE_BASE + 4 }]),
    'segments whose memory overlaps': () => elfOf([text, data, { address: data.address + 50, bytes: DATA }]),
  }
  for (const [name, make] of Object.entries(refusals)) {
    it(`refuses ${name}`, () => {
      expect(codeOf(make())).to.equal('program.malformed')
    })
  }

  it('answers any damage with a program or a typed refusal, in memory of its regions', () => {
    const run = runOf({ normal: 2_000, deep: 200_000 })
    for (let index = run.first; index < run.first + run.cases; index += 1) {
      const random = createRandom(run.seed, index)
      const file = elfOf([text, data])
      for (let change = random.below(4); change >= 0; change -= 1) file[random.below(file.length)] = random.below(256)
      const cut = random.chance(20) ? file.slice(0, random.below(file.length)) : file
      const code = codeOf(cut)
      expect([undefined, 'program.malformed', 'program.compressed'], repetition(run.seed, index)).to.include(code)
      if (code === undefined) expect(loadElf(cut).code.length).to.be.at.most(CODE_BYTES)
    }
  })
})
