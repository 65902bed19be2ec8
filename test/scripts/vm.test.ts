/** @module */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { loadElf } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { createMachine } from '#protocol/vm/machine.ts'
import { stateHash } from '#protocol/vm/state.ts'
import { ROOT } from '#scripts/support/run.ts'
import { ENGINES } from '#scripts/vm/engines.ts'

import { asm, elfOfCode, loadValue } from '../support/vm-assembler.ts'

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string }

/** Sums the bytes of its input into a0. */
const SUMMING = elfOfCode([
  ...loadValue(5, 0x8300_0000),
  asm.add(6, 5, 10),
  asm.addi(10, 0, 0),
  asm.beq(5, 6, 20),
  asm.lbu(7, 0, 5),
  asm.add(10, 10, 7),
  asm.addi(5, 5, 1),
  asm.jal(0, -16),
  asm.ecall(),
])
const TRAPPING = elfOfCode([asm.addi(10, 0, -3), asm.ebreak()])
const ENDLESS = elfOfCode([asm.addi(10, 10, 1), asm.jal(0, -4)])
const INPUT = Uint8Array.of(200, 100, 1)

const folder = mkdtempSync(join(tmpdir(), 'tally-vm-'))

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

function vm(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['scripts/vm.ts', ...args], { cwd: ROOT }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

function hashAfter(elf: Uint8Array, input: Uint8Array, steps: number): string {
  const machine = createMachine(loadElf(elf), input)
  interpret(machine, steps)
  return stateHash(machine.packedState())
}

describe('npm run vm', () => {
  after(() => {
    rmSync(folder, { recursive: true })
  })

  const [summing, trapping, endless] = [
    file('summing.elf', SUMMING),
    file('trapping.elf', TRAPPING),
    file('endless.elf', ENDLESS),
  ]
  const input = file('input', INPUT)

  for (const engine of ENGINES.keys()) {
    it(`says on the ${engine} how a run ended, exactly`, async () => {
      const ended = await vm('run', summing, '--engine', engine, '--input', input, '--json')
      const stateHash = hashAfter(SUMMING, INPUT, 100)
      expect(ended.stderr).to.equal('')
      expect(JSON.parse(ended.stdout)).to.deep.equal({ halt: 'ecall', a0: 301, instructions: '21', stateHash })
      expect(ended.code).to.equal(0)
    })

    it(`says on the ${engine} that a run trapped, and with which unsigned a0`, async () => {
      const { stdout } = await vm('run', trapping, '--engine', engine, '--json')
      const stateHash = hashAfter(TRAPPING, new Uint8Array(), 100)
      expect(JSON.parse(stdout)).to.deep.equal({ halt: 'trap', a0: 0xffff_fffd, instructions: '2', stateHash })
    })

    it(`stops on the ${engine} at the most instructions it may execute`, async () => {
      const { stdout } = await vm('run', endless, '--engine', engine, '--max-steps', '501', '--json')
      const stateHash = hashAfter(ENDLESS, new Uint8Array(), 501)
      expect(JSON.parse(stdout)).to.deep.equal({ halt: 'limit', a0: 251, instructions: '501', stateHash })
    })
  }

  it('says the same to people, on the engine that it chooses', async () => {
    const { stdout } = await vm('run', summing, '--input', input)
    expect(stdout).to.match(/^ended by ecall after 21 instructions, a0 = 301, state 0x[0-9a-f]{64}\n$/)
  })

  const refusals: Record<string, readonly string[]> = {
    'a file that is not there': ['run', join(folder, 'nothing.elf')],
    'a file that is no program': ['run', input],
    'an input that is not there': ['run', summing, '--input', join(folder, 'nothing')],
    'an engine that there is not': ['run', summing, '--engine', 'steam'],
    'a flag that there is not': ['run', summing, '--fast'],
    'a limit that is no number': ['run', summing, '--max-steps', '1e3'],
    'a limit without a number': ['run', summing, '--max-steps', '--json'],
    'a limit beyond what can be counted': ['run', summing, '--max-steps', '9007199254740992'],
    'no file': ['run', '--json'],
    'two files': ['run', summing, trapping],
    'another verb': ['walk', summing],
    'nothing at all': [],
  }
  for (const [name, args] of Object.entries(refusals)) {
    it(`refuses ${name} in one line`, async () => {
      const { code, stdout, stderr } = await vm(...args)
      expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' })
      expect(stderr).to.match(/^[^\n]{10,}\n$/)
    })
  }

  it('shows how it is used', async () => {
    const { code, stdout } = await vm('--help')
    expect(code).to.equal(0)
    for (const engine of ENGINES.keys()) expect(stdout).to.contain(engine)
  })
})
