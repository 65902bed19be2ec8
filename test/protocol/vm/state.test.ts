/** @module */
import { expect } from 'chai'
import { concat, type Hex, keccak256, numberToHex } from 'viem'

import { CORE_BYTES, type MachineState, packState, parseState, StateError, stateHash } from '#protocol/vm/state.ts'
import { toHex } from '#protocol/words.ts'

const memoryRoot: Hex = `0x${'a1'.repeat(32)}`
const codeRoot: Hex = `0x${'c0'.repeat(32)}`
const state: MachineState = {
  memoryRoot,
  codeRoot,
  pc: 0x8000_0abc,
  registers: Int32Array.from({ length: 32 }, (_, register) => (register === 0 ? 0 : -register)),
  steps: 0x0123_4567_89ab_cdefn,
  status: 1,
}

describe('The state of a machine', () => {
  it('is both roots, the pc, 31 registers, the steps and the status, highest bytes first', () => {
    const registers = Array.from({ length: 31 }, (_, at) => numberToHex(2 ** 32 - at - 1, { size: 4 }))
    const steps = numberToHex(state.steps, { size: 8 })
    const expected = concat([memoryRoot, codeRoot, '0x80000abc', ...registers, steps, '0x01'])
    expect(toHex(packState(state))).to.equal(expected)
    expect(stateHash(packState(state))).to.equal(keccak256(expected))
    expect(packState(state)).to.have.lengthOf(201)
  })

  it('comes back from its bytes', () => {
    expect(parseState(packState(state))).to.deep.equal(state)
  })

  it('is not read from bytes of another length, nor with a status that does not exist', () => {
    const bytes = packState(state)
    const unknown = bytes.slice()
    unknown[200] = 3
    for (const bad of [bytes.slice(1), new Uint8Array(202), new Uint8Array(), unknown, bytes.slice(0, CORE_BYTES)])
      expect(() => parseState(bad))
        .to.throw(StateError)
        .that.includes({ code: 'machine.state' })
  })
})
