import { expect } from 'chai'

import { createExecutor, type Execution, type Executor } from '#runtime/executor.ts'

import { caught } from './support/caught.ts'
import { program, runBody } from './support/wat.ts'

const nothing = new Uint8Array()
const echo = `(func (export "run")
  (call $input_read (i32.const 0) (i32.const 0) (call $input_length))
  (call $output_write (i32.const 0) (call $input_length)))`

describe('running a program', () => {
  let executor: Executor
  const run = async (bytes: Uint8Array, input: Uint8Array = nothing, maxUnits = 10n): Promise<Execution> =>
    executor.execute({ program: bytes, input, maxUnits })

  before(() => {
    executor = createExecutor({ limits: { timeoutMs: 20_000 } })
  })
  after(() => executor.close())

  it('hands it its input and takes its output', async () => {
    const input = Buffer.from('two halves of one stick')
    const execution = await run(await program(echo), input)
    expect(execution.status).to.equal(0)
    expect(Buffer.from(execution.output)).to.deep.equal(input)
    expect(execution.units).to.equal(1n)
  })

  it('takes output in pieces and in the order written', async () => {
    const bytes = await program(`(data (i32.const 0) "abc") (func (export "run")
      (call $output_write (i32.const 2) (i32.const 1))
      (call $output_write (i32.const 0) (i32.const 0))
      (call $output_write (i32.const 0) (i32.const 2)))`)
    expect(Buffer.from((await run(bytes)).output).toString()).to.equal('cab')
  })

  it('gives a trap as a payable halt with empty output', async () => {
    const bytes = await program(`(func (export "run")
      (call $output_write (i32.const 0) (i32.const 8)) (drop (i32.div_u (i32.const 1) (i32.const 0))))`)
    expect(await run(bytes)).to.deep.include({ status: 1, output: nothing, units: 1n })
  })

  it('halts at the maximum and charges exactly that', async () => {
    const bytes = await runBody('(loop (br 0))')
    expect(await run(bytes, nothing, 3n)).to.deep.equal({ status: 2, output: nothing, units: 3n, fuel: 3_000_000n })
  })

  it('lets a program use its last unit to the last instruction', async () => {
    // 3 instructions before the loop and 4 per round: 2 + 1 + 4 n
    const loop = (rounds: number, more: string) =>
      runBody(`(local $i i32) (local.set $i (i32.const ${rounds}))
        (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1))))) ${more}`)
    const exact = await run(await loop(199_999, '(nop) (nop)'), nothing, 1n)
    expect(exact).to.deep.include({ status: 0, units: 1n, fuel: 1_000_000n })
    const beyond = await run(await loop(199_999, '(nop) (nop) (nop)'), nothing, 1n)
    expect(beyond).to.deep.include({ status: 2, units: 1n })
    const two = await run(await loop(199_999, '(nop) (nop) (nop)'), nothing, 2n)
    expect(two).to.deep.include({ status: 0, units: 2n, fuel: 1_000_001n })
  })

  it('traps on reading past the input and on writing from outside the memory', async () => {
    const readers = [
      '(i32.const 0) (i32.const 1) (i32.const 1)',
      '(i32.const 65535) (i32.const 0) (i32.const 2)',
      '(i32.const -1) (i32.const 0) (i32.const 1)',
    ]
    for (const operands of readers) {
      expect(
        (await run(await runBody(`(call $input_read ${operands})`), Buffer.from('xy').subarray(0, 1))).status,
      ).to.equal(1)
    }
    expect((await run(await runBody('(call $output_write (i32.const 65536) (i32.const 1))'))).status).to.equal(1)
    expect(
      (await run(await runBody('(call $output_write (i32.const 0) (i32.const -1))'), nothing, 1_000n)).status,
    ).to.equal(1)
  })

  it('starts every job afresh: no memory, global or table is left over', async () => {
    const bytes = await program(`(global $g (mut i32) (i32.const 0)) (func (export "run")
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (global.set $g (i32.add (global.get $g) (i32.const 1)))
      (i32.store (i32.const 4) (global.get $g))
      (call $output_write (i32.const 0) (i32.const 8)))`)
    for (let job = 0; job < 3; job += 1) {
      expect([...(await run(bytes)).output]).to.deep.equal([1, 0, 0, 0, 1, 0, 0, 0])
    }
  })

  it('runs more jobs at once than it has processes, and answers each with its own', async () => {
    const several = createExecutor({ processes: 2 })
    try {
      const bytes = await program(echo)
      const inputs = Array.from({ length: 40 }, (_, index) => Buffer.from(`job ${index}`))
      const outputs = await Promise.all(inputs.map((input) => several.execute({ program: bytes, input, maxUnits: 1n })))
      expect(outputs.map(({ output }) => Buffer.from(output).toString())).to.deep.equal(inputs.map(String))
    } finally {
      await several.close()
    }
  })

  it('kills a job that is not wanted any more and runs the next', async () => {
    const endless = await runBody('(loop (br 0))')
    const controller = new AbortController()
    const job = executor.execute(
      { program: endless, input: nothing, maxUnits: 2n ** 40n },
      { signal: controller.signal },
    )
    setTimeout(() => controller.abort(new Error('not wanted')), 200)
    expect((await caught(job)).message).to.equal('not wanted')
    expect((await run(await program(echo))).status).to.equal(0)
  })

  it('refuses units outside 1 to 2⁴⁸ − 1, long inputs and long programs', async () => {
    const bytes = await program(echo)
    for (const units of [0n, -1n, 2n ** 48n]) {
      expect(await caught(run(bytes, nothing, units))).to.include({ code: 'execution.units-invalid' })
    }
    expect((await run(bytes, nothing, 2n ** 48n - 1n)).status).to.equal(0)
    const input = new Uint8Array(1_048_577)
    expect(await caught(run(bytes, input))).to.include({ code: 'execution.input-too-large' })
    expect(await caught(run(input))).to.include({ code: 'execution.program-too-large' })
  })

  it('rejects what is running and what waits when it is closed, and everything after', async () => {
    const closing = createExecutor()
    const endless = await runBody('(loop (br 0))')
    const jobs = [1, 2].map(() => closing.execute({ program: endless, input: nothing, maxUnits: 2n ** 40n }))
    const errors = Promise.all(jobs.map(caught))
    await new Promise((resolve) => setTimeout(resolve, 300))
    await closing.close()
    for (const error of await errors) expect(error).to.include({ code: 'execution.closed' })
    expect(await caught(closing.execute({ program: endless, input: nothing, maxUnits: 1n }))).to.include({
      code: 'execution.closed',
    })
  })
})
