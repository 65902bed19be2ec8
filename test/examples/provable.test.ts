import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { expect } from 'chai'

import { decode, OP } from '#protocol/vm/decode.ts'
import { type Image, loadElf, programHash } from '#protocol/vm/elf.ts'
import { INPUT_BYTES } from '#protocol/vm/layout.ts'

import { provableExamples } from '../../examples/provable.ts'

/** Most bytes of a committed program. */
const MAX_PROGRAM_BYTES = 65_536

/** Words of code that are no instruction. */
function illegalWords({ segments }: Image): number {
  const code = segments.filter(({ isExecutable }) => isExecutable)
  return code
    .flatMap(({ bytes }) => [...new Uint32Array(Uint8Array.from(bytes).buffer)])
    .filter((word) => decode(word).op === OP.ILLEGAL).length
}

describe('provable examples', () => {
  it('are six, each with its folder, a title and a program of its own', () => {
    expect(provableExamples.length).to.equal(6)
    const hashes = new Set(provableExamples.map((example) => programHash(loadElf(example.program()))))
    expect(hashes.size).to.equal(provableExamples.length)
    for (const { name, title } of provableExamples) {
      const source = new URL(`../../examples/${name}/SOURCE.md`, import.meta.url)
      expect(existsSync(fileURLToPath(source)), name).to.equal(true)
      expect(title.length).to.be.greaterThan(10)
    }
  })

  for (const { name, program, loadTasks } of provableExamples) {
    it(`${name}: has a small program of nothing but instructions, and inputs that fit`, () => {
      const elf = program()
      expect(elf.length).to.be.at.most(MAX_PROGRAM_BYTES)
      // the compiler's traps are the one word that is not among the machine's instructions
      expect(illegalWords(loadElf(elf))).to.be.at.most(8)
      const { inputs } = loadTasks(2)
      expect(inputs.length).to.equal(2)
      for (const input of inputs) expect(input.length).to.be.within(1, INPUT_BYTES)
    })
  }
})
