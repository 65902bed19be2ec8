/** @module */
import { expect } from 'chai'

import { decode, OP } from '#protocol/vm/decode.ts'
import { loadElf } from '#protocol/vm/elf.ts'
import { createMachine } from '#protocol/vm/machine.ts'
import { STATUS } from '#protocol/vm/state.ts'
import { verifyStep } from '#protocol/vm/verify-step.ts'
import { witnessOf } from '#protocol/vm/witness.ts'
import { concatBytes } from '#protocol/words.ts'

import { createVerifier, runOnVerifier, type Verifier } from '../../scripts/vm/solidity-engine.ts'
import { createRandom } from '../fuzz/support/random.ts'
import { conformanceCases, MOST_STEPS } from '../protocol/vm/conformance-cases.ts'
import { asm, elfOfCode } from '../support/vm-assembler.ts'
import { type Histogram, histogramText, missingOps, noteStep, randomProgram } from '../support/vm-programs.ts'
import { randomWitness } from '../support/vm-witnesses.ts'

const isDeep = process.env.TALLY_DEEP === '1'
const SEED = process.env.TALLY_FUZZ_SEED ?? 'verifier'
/** Steps of random programs, and of each one at most. */
const STEPS = isDeep ? 24_000 : 600
const STEPS_OF_ONE = isDeep ? 1_500 : 200
const WITNESSES = isDeep ? 20_000 : 800

describe('the one-step verifier', function () {
  this.timeout(isDeep ? 1_200_000 : 60_000)
  let verifier: Verifier

  before(async () => {
    verifier = await createVerifier()
  })

  after(async () => {
    await verifier.close()
  })

  for (const [about, cases] of conformanceCases()) {
    // all of them when there is time, else some
    const chosen = cases.filter((_, index) => isDeep || index % 16 === 0)
    it(`leads where the interpreter leads in ${chosen.length} cases of ${about}`, async () => {
      for (const { elf, input } of chosen) {
        const machine = createMachine(loadElf(elf), input)
        await runOnVerifier(verifier, machine, MOST_STEPS)
        expect(machine.status).not.to.equal(STATUS.running)
      }
    })
  }

  it('leads where the interpreter leads, step by step through random programs', async () => {
    const histogram: Histogram = new Map()
    let steps = 0
    let trapped = 0
    for (let index = 0; steps < STEPS; index += 1) {
      const { elf, input } = randomProgram(createRandom(SEED, index))
      const machine = createMachine(loadElf(elf), input)
      await runOnVerifier(verifier, machine, STEPS_OF_ONE, (before) => noteStep(histogram, before))
      steps += machine.steps
      if (machine.status === STATUS.trapped) trapped += 1
    }
    if (isDeep) {
      console.log(histogramText(histogram))
      // few programs come to their end: the witnesses below do
      expect(missingOps(histogram).filter((name) => name !== 'ECALL')).to.deep.equal([])
    }
    expect(steps).to.be.at.least(STEPS)
    expect(trapped).to.be.lessThan(steps / 2)
  })

  it('says of any witness what its mirror in TypeScript says, whatever core, instruction and tree', async () => {
    const histogram: Histogram = new Map()
    const names = new Map(Object.entries(OP).map(([name, op]) => [op as number, name as keyof typeof OP]))
    for (let index = 0; index < WITNESSES; index += 1) {
      const { witness, word } = randomWitness(createRandom(`${SEED} witness`, index))
      const name = names.get(decode(word ?? 0).op) ?? 'ILLEGAL'
      histogram.set(name, (histogram.get(name) ?? 0) + 1)
      expect(await verifier.step(witness), `witness ${index} of ${SEED}`).to.deep.equal(verifyStep(witness))
    }
    if (isDeep) console.log(histogramText(histogram))
    expect(missingOps(histogram)).to.deep.equal([])
    expect(histogram.get('ILLEGAL')).to.be.lessThan(WITNESSES / 2)
  })

  it('refuses bytes that are no witness: cut, drawn out, or with siblings above the root', async () => {
    const machine = createMachine(loadElf(elfOfCode([asm.lw(1, 0, 31), asm.ecall()])), new Uint8Array())
    machine.memory.registers[31] = 0x8000_0000 | 0
    const witness = witnessOf(machine)
    await verifier.step(witness)
    for (let length = 0; length < witness.length; length += 1) {
      await refused(witness.subarray(0, length))
    }
    await refused(concatBytes([witness, new Uint8Array(1)]))
    await refused(concatBytes([witness, new Uint8Array(64)]))
    for (const bit of [17, 18, 23]) await refused(withMaskBit(witness, 137 + 32, bit))
    const dataMaskAt = 137 + 35 + 32 * onesIn(witness.subarray(137 + 32, 137 + 35)) + 32
    for (const bit of [21, 22, 23]) await refused(withMaskBit(witness, dataMaskAt, bit))
  })

  async function refused(witness: Uint8Array): Promise<void> {
    const error: unknown = await verifier.step(witness).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error, `${witness.length} bytes`).to.have.property('code', 'verifier.refused')
  }
})

function withMaskBit(witness: Uint8Array, at: number, bit: number): Uint8Array {
  const changed = witness.slice()
  const byte = at + 2 - (bit >> 3)
  changed[byte] = (changed[byte] ?? 0) | (1 << (bit & 7))
  return concatBytes([changed, new Uint8Array(32)])
}

function onesIn(mask: Uint8Array): number {
  return mask.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
}
