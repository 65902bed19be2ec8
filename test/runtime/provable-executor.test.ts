/** @module */
import { readFileSync } from 'node:fs'

import { expect } from 'chai'

import { loadElf } from '#protocol/vm/elf.ts'
import { STATUS } from '#protocol/vm/state.ts'
import { witnessOf } from '#protocol/vm/witness.ts'
import { createExecutor, type Executor } from '#runtime/executor.ts'
import { createInterpretedMachine } from '#runtime/vm/engine.ts'

import { asm, elfOfCode, loadValue } from '../support/vm-assembler.ts'
import { caught } from './support/caught.ts'

const nothing = new Uint8Array()
const OUTPUT = 0x8200_0000

/** Writes the sum of its input's first two bytes as its output of one byte. */
const adder = elfOfCode([
  ...loadValue(5, 0x8300_0000),
  ...[asm.lbu(6, 0, 5), asm.lbu(7, 1, 5), asm.add(6, 6, 7)],
  ...[...loadValue(8, OUTPUT), asm.sb(6, 0, 8)],
  ...[asm.addi(10, 0, 0), asm.addi(11, 0, 1), asm.ecall()],
])
/** Says that its output has no bytes, and leaves one there. */
const careless = elfOfCode([...loadValue(8, OUTPUT), asm.sb(8, 1, 8), asm.addi(6, 0, 1), asm.sb(6, 5, 8), asm.ecall()])
const endless = elfOfCode([asm.addi(5, 5, 1), asm.jal(0, -4)])
const trapping = elfOfCode([asm.addi(5, 5, 1), asm.lw(5, 0, 0)])
const sha256 = readFileSync(new URL('../../scripts/bench/vm/programs/sha256.elf', import.meta.url))
/** Two thousand rounds: translated for most of its way. */
const rounds = Uint8Array.of(0xd0, 7, 0, 0)

describe('running a provable program', function () {
  this.timeout(120_000)
  let executor: Executor

  before(() => {
    executor = createExecutor({ limits: { provableTimeoutMs: 60_000 } })
  })
  after(() => executor.close())

  it('hands it its input, takes its output and says what its last state is', async () => {
    const run = await executor.executeProvable({ program: adder, input: Uint8Array.of(30, 12), maxUnits: 5n })
    expect(run).to.deep.include({ status: 0, output: Uint8Array.of(42), units: 1n })
    const machine = interpreted(adder, Uint8Array.of(30, 12), 100)
    expect(run.instructions).to.equal(BigInt(machine.steps))
    expect(Buffer.from(run.finalState).equals(machine.packedState())).to.equal(true)
    expect(run.finalState.at(-1)).to.equal(STATUS.halted)
  })

  it('gives a trap as a payable end with empty output', async () => {
    const run = await executor.executeProvable({ program: trapping, input: nothing, maxUnits: 5n })
    expect(run).to.deep.include({ status: 1, output: nothing, units: 1n, instructions: 2n })
    expect(run.finalState.at(-1)).to.equal(STATUS.trapped)
  })

  it('stops at the maximum, to the instruction, and charges exactly that', async () => {
    const run = await executor.executeProvable({ program: endless, input: nothing, maxUnits: 7n })
    expect(run).to.deep.include({ status: 2, output: nothing, units: 7n, instructions: 7_000_000n })
    expect(run.finalState.at(-1)).to.equal(STATUS.running)
  })

  it('has the same last state as the interpreter after a long run', async () => {
    const run = await executor.executeProvable({ program: sha256, input: rounds, maxUnits: 100n })
    const machine = interpreted(sha256, rounds, 100_000_000)
    expect(run.instructions).to.equal(BigInt(machine.steps))
    expect(Buffer.from(run.finalState).equals(machine.packedState())).to.equal(true)
  })

  it('gives the states after any counts of instructions, the last one for good', async () => {
    const steps = [0n, 1n, 999_999n, 5_000_003n, 5_000_003n, 2n ** 40n]
    const states = await executor.traceStates({ program: sha256, input: rounds, steps })
    const machine = createInterpretedMachine(loadElf(sha256), rounds)
    for (const [index, step] of steps.entries()) {
      machine.run(step)
      expect(Buffer.from(states[index] ?? nothing).equals(machine.machine.packedState()), `after ${step}`).to.equal(
        true,
      )
    }
  })

  it('gives states before and between those that were asked for, again and again', async () => {
    for (const steps of [[2_000_000n, 9_000_000n], [4n, 2_000_001n], [8_999_999n, 9_000_000n], [3_000_000n], [1n]]) {
      const states = await executor.traceStates({ program: sha256, input: rounds, steps })
      for (const [index, step] of steps.entries()) {
        const expected = interpreted(sha256, rounds, Number(step)).packedState()
        expect(Buffer.from(states[index] ?? nothing).equals(expected), `after ${step}`).to.equal(true)
      }
    }
  })

  it('gives the witness of any step', async () => {
    for (const step of [3_000_001, 2_999_999, 7]) {
      const witness = await executor.witnessAt({ program: sha256, input: rounds, step: BigInt(step) })
      expect(Buffer.from(witness).equals(witnessOf(interpreted(sha256, rounds, step))), `of ${step}`).to.equal(true)
    }
  })

  describe('that nobody should run', () => {
    afterEach('and the next one runs fine', async () => {
      const run = await executor.executeProvable({ program: adder, input: Uint8Array.of(1, 2), maxUnits: 5n })
      expect(run.output).to.deep.equal(Uint8Array.of(3))
    })

    it('is killed when it takes too long, and the next one is not', async () => {
      const impatient = createExecutor({ limits: { provableTimeoutMs: 1_500 } })
      try {
        const run = impatient.executeProvable({ program: endless, input: nothing, maxUnits: 2n ** 47n })
        expect(await caught(run)).to.include({ code: 'execution.timeout' })
        const next = impatient.executeProvable({ program: adder, input: Uint8Array.of(1, 2), maxUnits: 1n })
        expect((await next).status).to.equal(0)
      } finally {
        await impatient.close()
      }
    })

    it('is killed when its buyer does not want it any more', async () => {
      const signal = AbortSignal.timeout(300)
      const run = executor.executeProvable({ program: endless, input: nothing, maxUnits: 2n ** 47n }, { signal })
      expect(await caught(run)).to.equal(signal.reason)
    })

    it('is refused payment when it leaves something behind its output', async () => {
      const run = executor.executeProvable({ program: careless, input: nothing, maxUnits: 5n })
      expect(await caught(run)).to.include({ code: 'execution.output-dirty' })
    })

    it('may write all of its memory', async () => {
      // a store to each of the 16,384 pages
      const code = [...loadValue(5, 0x8000_0000), ...loadValue(6, 4_096), ...loadValue(7, 0x8400_0000)]
      const loop = [asm.sw(5, 0, 5), asm.add(5, 5, 6), asm.bne(5, 7, -8)]
      const run = executor.executeProvable({ program: elfOfCode([...code, ...loop]), input: nothing, maxUnits: 1n })
      expect((await run).status).to.equal(1)
    })

    for (const [what, program] of [
      ['no bytes', nothing],
      ['noise', Buffer.from('not an ELF file at all, but long enough to be read as the header of one')],
      ['half of a good one', adder.subarray(0, 90)],
      ['one whose table of segments is elsewhere', withWord(adder, 28, 0xffff_fff0)],
      ['one that loads outside of its region', withWord(adder, 60, 0x8300_0000)],
    ] as const) {
      it(`is refused: ${what}`, async () => {
        const run = executor.executeProvable({ program, input: nothing, maxUnits: 5n })
        expect(await caught(run)).to.include({ code: 'execution.program-invalid' })
      })
    }

    it('is refused an input of more than 16 MiB', async () => {
      const input = new Uint8Array(2 ** 24 + 1)
      const run = executor.executeProvable({ program: adder, input, maxUnits: 5n })
      expect(await caught(run)).to.include({ code: 'execution.input-too-large' })
      const largest = await executor.executeProvable({ program: adder, input: input.subarray(1), maxUnits: 5n })
      expect(largest.status).to.equal(0)
    })

    it('is refused units and counts that mean nothing', async () => {
      const job = { program: adder, input: nothing }
      for (const maxUnits of [0n, -1n, 2n ** 48n])
        expect(await caught(executor.executeProvable({ ...job, maxUnits }))).to.include({
          code: 'execution.units-invalid',
        })
      for (const steps of [[-1n], [2n, 1n], [2n ** 53n]])
        expect(await caught(executor.traceStates({ ...job, steps }))).to.include({ code: 'execution.steps-invalid' })
    })
  })
})

function interpreted(program: Uint8Array, input: Uint8Array, steps: number) {
  const engine = createInterpretedMachine(loadElf(program), input)
  engine.run(steps)
  return engine.machine
}

/** A file with one word exchanged. */
function withWord(file: Uint8Array, at: number, word: number): Uint8Array {
  const changed = Buffer.from(file)
  changed.writeUInt32LE(word, at)
  return changed
}
