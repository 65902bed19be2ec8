/** @module */
import { expect } from 'chai'
import { concatHex, keccak256, toHex } from 'viem'

import { dataRoot } from '#protocol/merkle.ts'
import { Kind } from '#protocol/types.ts'
import { createExecutor } from '#runtime/executor.ts'
import { createTaskDoer } from '#runtime/tasks.ts'

import { BACKWARDS, DIRTY, ENDLESS, TRAPPING } from '../support/provable-programs.ts'
import { caught } from './support/caught.ts'
import { program } from './support/wat.ts'

const ECHO = `(func (export "run")
  (call $input_read (i32.const 0) (i32.const 0) (call $input_length))
  (call $output_write (i32.const 0) (call $input_length)))`
const input = Uint8Array.of(1, 2, 3)

describe('tasks', function () {
  this.timeout(20_000)
  const executor = createExecutor()
  const doTask = createTaskDoer(executor)
  const provable = (elf: Uint8Array, maxUnits = 5n) => doTask({ kind: Kind.Provable, program: elf, input, maxUnits })
  after(() => executor.close())

  it('of a repeatable program deliver its status before its output, and commit to both', async () => {
    const done = await doTask({ kind: Kind.Repeatable, program: await program(ECHO), input, maxUnits: 5n })
    const delivered = Uint8Array.of(0, ...input)
    expect(done.delivered).to.deep.equal(delivered)
    expect([done.outputRoot, done.plainHash]).to.deep.equal([dataRoot(delivered), keccak256(delivered)])
    expect([done.units, done.finalState]).to.deep.equal([1n, null])
  })

  it('of a provable program deliver its bare output, and commit to it and to the last state', async () => {
    const done = await provable(BACKWARDS)
    expect(done.delivered).to.deep.equal(Uint8Array.of(3, 2, 1))
    expect(done.outputRoot).to.equal(dataRoot(Uint8Array.of(3, 2, 1)))
    const { finalState } = done
    if (finalState === null) return expect.fail('there is no last state')
    expect(finalState).to.have.lengthOf(201)
    // 7 instructions and 6 a byte, halted
    expect(toHex(finalState.slice(-9))).to.equal(`0x${(25).toString(16).padStart(16, '0')}01`)
    expect(done.plainHash).to.equal(keccak256(concatHex([done.outputRoot, keccak256(finalState)])))
  })

  it('of a provable program that traps, or runs out of units, are payable without an output', async () => {
    const none = dataRoot(new Uint8Array())
    const trapped = await provable(TRAPPING)
    expect([trapped.outputRoot, trapped.units, trapped.finalState?.at(-1)]).to.deep.equal([none, 1n, 2])
    const endless = await provable(ENDLESS, 2n)
    expect([endless.outputRoot, endless.units, endless.finalState?.at(-1)]).to.deep.equal([none, 2n, 0])
  })

  it('of a provable program are not payable when something stands behind its output, or the file is none', async () => {
    expect(await caught(provable(DIRTY))).to.include({ code: 'execution.output-dirty' })
    expect(await caught(provable(input))).to.include({ code: 'execution.program-invalid' })
  })
})
