/** @module */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect } from 'chai'

import { loadElf } from '#protocol/vm/elf.ts'
import { DATA_BASE, OUTPUT_BASE } from '#protocol/vm/layout.ts'
import { stateHash } from '#protocol/vm/state.ts'
import { createInterpretedMachine } from '#runtime/vm/engine.ts'
import { createTranslatedMachine } from '#runtime/vm/translated-machine.ts'

const folder = fileURLToPath(new URL('../../../scripts/bench/vm/programs/', import.meta.url))
const programs = ['sha256', 'branchy'] as const
const isDeep = process.env.TALLY_DEEP === '1'

function imageOf(name: string) {
  return loadElf(readFileSync(join(folder, `${name}.elf`)))
}

function inputOf(rounds: number): Uint8Array {
  const input = Buffer.alloc(4)
  input.writeUInt32LE(rounds)
  return input
}

describe('What gcc makes of C, translated', function () {
  this.timeout(600_000)

  it('computes SHA-256', () => {
    const { machine, run } = createTranslatedMachine(imageOf('sha256'), inputOf(1_000))
    run(2 ** 40)
    let digest: Uint8Array = new Uint8Array(32)
    for (let round = 0; round < 1_000; round += 1) digest = createHash('sha256').update(digest).digest()
    const at = OUTPUT_BASE - DATA_BASE
    expect(Buffer.from(machine.memory.bytes.subarray(at, at + 32)).equals(digest)).to.equal(true)
  })

  for (const name of programs) {
    it(`has the interpreter's states all along: ${name}`, () => {
      const image = imageOf(name)
      const input = inputOf(name === 'sha256' ? 400 : 4)
      const translated = createTranslatedMachine(image, input, { warmUp: 0, hot: 1 })
      const interpreted = createInterpretedMachine(image, input)
      for (const until of [1_000, 77_777, 77_778, 500_001, 1_234_567, 2 ** 40]) {
        translated.run(until)
        interpreted.run(until)
        expect(stateHash(translated.machine.packedState())).to.equal(stateHash(interpreted.machine.packedState()))
      }
      expect(translated.translatedSteps / translated.machine.steps > 0.99, 'translated').to.equal(true)
    })
  }

  if (isDeep) {
    it('is what its source and recipe build, where the compiler is there', () => {
      if (spawnSync('riscv64-unknown-elf-gcc', ['--version']).status !== 0) {
        console.log('        riscv64-unknown-elf-gcc is not installed: nothing to compare with')
        return
      }
      const copy = mkdtempSync(join(tmpdir(), 'tally-programs-'))
      try {
        cpSync(folder, copy, { recursive: true })
        expect(spawnSync('sh', [join(copy, 'build.sh')]).status).to.equal(0)
        for (const name of programs)
          expect(readFileSync(join(copy, `${name}.elf`)).equals(readFileSync(join(folder, `${name}.elf`)))).to.equal(
            true,
          )
      } finally {
        rmSync(copy, { recursive: true })
      }
    })
  }
})
