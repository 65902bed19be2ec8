import { expect } from 'chai'
import fc from 'fast-check'

import { createExecutor, type Execution, type Executor } from '#runtime/executor.ts'
import { instrument } from '#runtime/fuel/instrument.ts'

import { countByHand } from './support/count-by-hand.ts'
import { countedProgram, RUN_COST, toText } from './support/counted-program.ts'
import { assemble, program, runBody } from './support/wat.ts'

const nothing = new Uint8Array()

describe('counting fuel', function () {
  this.timeout(60_000)
  let executor: Executor

  before(() => {
    executor = createExecutor()
  })
  after(() => executor.close())

  async function run(bytes: Uint8Array, maxUnits = 1_000n): Promise<Execution> {
    return executor.execute({ program: bytes, input: nothing, maxUnits })
  }
  async function fuelOf(body: string): Promise<bigint> {
    return (await run(await runBody(body))).fuel
  }

  it('counts every instruction once, and neither else nor end', async () => {
    expect(await fuelOf('')).to.equal(0n)
    expect(await fuelOf('nop')).to.equal(1n)
    expect(await fuelOf('(block (nop))')).to.equal(2n)
    expect(await fuelOf('(if (i32.const 1) (then (nop)) (else (nop) (nop)))')).to.equal(3n)
    expect(await fuelOf('(if (i32.const 0) (then (nop)) (else (nop) (nop)))')).to.equal(4n)
    expect(await fuelOf('(if (i32.const 0) (then (nop)))')).to.equal(2n)
    expect(await fuelOf('(block (br_if 0 (i32.const 1)) (nop))')).to.equal(3n)
    expect(await fuelOf('(block (br_if 0 (i32.const 0)) (nop))')).to.equal(4n)
    expect(await fuelOf('(block (block (br_table 0 1 (i32.const 5)) (nop)) (nop) (nop))')).to.equal(4n)
    expect(await fuelOf('(return) (nop)')).to.equal(1n)
  })

  it('counts what is never executed not at all', async () => {
    expect(await fuelOf('(block (br 0) (drop (i32.add (i32.const 1) (i32.const 2))) (nop)) (nop)')).to.equal(3n)
  })

  it('charges calls of the host, growth and bytes moved beyond the instruction', async () => {
    expect(await fuelOf('(drop (call $input_length))')).to.equal(2n + 64n)
    expect(await fuelOf('(call $output_write (i32.const 0) (i32.const 80))')).to.equal(3n + 64n + 10n)
    expect(await fuelOf('(call $input_read (i32.const 0) (i32.const 0) (i32.const 0))')).to.equal(4n + 64n)
    expect(await fuelOf('(drop (memory.grow (i32.const 2)))')).to.equal(3n + 2n * 4_096n)
    expect(await fuelOf('(drop (memory.grow (i32.const 5000)))')).to.equal(3n)
    expect(await fuelOf('(memory.fill (i32.const 0) (i32.const 1) (i32.const 800))')).to.equal(4n + 100n)
    expect(await fuelOf('(memory.copy (i32.const 0) (i32.const 9) (i32.const 800))')).to.equal(4n + 100n)
  })

  it('charges a host function reached through the table alike', async () => {
    const bytes = await program(`(table 1 funcref) (elem (i32.const 0) $input_length) (type $t (func (result i32)))
      (func (export "run") (drop (call_indirect (type $t) (i32.const 0))))`)
    expect((await run(bytes)).fuel).to.equal(3n + 64n)
  })

  it('agrees with a count by hand of any structured program, and so does the result', async () => {
    let counted = 0
    await fc.assert(
      fc.asyncProperty(countedProgram, async (tree) => {
        const expected = countByHand(tree)
        if (expected === null) return
        counted += 1
        const { status, fuel, output } = await run(await program(toText(tree)))
        expect(status).to.equal(0)
        expect(Buffer.from(output).readInt32LE()).to.equal(expected.result)
        expect(fuel).to.equal(BigInt(expected.instructions + RUN_COST))
      }),
      { numRuns: 400 },
    )
    expect(counted).to.be.greaterThan(300)
  })

  it('halts any such program just below what it needs, and not at what it needs', async () => {
    const spin = (rounds: number) =>
      runBody(`(local i32) i32.const ${rounds} local.set 0
      loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end`)
    expect(await run(await spin(400_000), 2n)).to.include({ status: 2, units: 2n, fuel: 2_000_000n })
    expect(await run(await spin(399_999), 2n)).to.include({ status: 0, units: 2n, fuel: 1_999_998n })
  })

  it('is the same in another process, for every kind of halt', async () => {
    const other = createExecutor()
    try {
      const bodies = [
        '(local $i i32) (loop (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 3))) (i32.const 90000))))',
        '(loop (br 0))',
        '(drop (i32.load (i32.const 65536)))',
        '(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))',
        '(nop) (unreachable)',
      ]
      for (const body of bodies) {
        const job = { program: await runBody(body), input: nothing, maxUnits: 2n }
        expect(await other.execute(job)).to.deep.equal(await executor.execute(job))
      }
    } finally {
      await other.close()
    }
  })

  it('gives every NaN a calculation makes the same bits', async () => {
    const results = [
      '(f64.div (f64.const 0) (f64.const 0))',
      '(f64.sqrt (f64.const -1))',
      '(f64.sub (f64.const inf) (f64.const inf))',
      '(f64.add (f64.const nan:0x4000000000001) (f64.const 1))',
      '(f64.min (f64.const 1) (f64.const -nan:0x4000000000001))',
      '(f64.floor (f64.const -nan))',
      '(f64.promote_f32 (f32.const -nan:0x200001))',
      '(f64.promote_f32 (f32.demote_f64 (f64.const -nan:0x4000000000001)))',
    ]
    for (const result of results) {
      const bytes = await runBody(
        `(f64.store (i32.const 0) ${result}) (call $output_write (i32.const 0) (i32.const 8))`,
      )
      expect(Buffer.from((await run(bytes)).output).toString('hex'), result).to.equal('000000000000f87f')
    }
    const single = await runBody(`(f32.store (i32.const 0) (f32.mul (f32.const inf) (f32.const 0)))
      (call $output_write (i32.const 0) (i32.const 4))`)
    expect(Buffer.from((await run(single)).output).toString('hex')).to.equal('0000c07f')
  })

  it('leaves numbers, infinities and bits that are only moved as they are', async () => {
    const bytes = await runBody(`
      (f64.store (i32.const 0) (f64.add (f64.const 0.1) (f64.const 0.2)))
      (f64.store (i32.const 8) (f64.div (f64.const -1) (f64.const 0)))
      (f64.store (i32.const 16) (f64.neg (f64.const nan:0x4000000000001)))
      (i64.store (i32.const 24) (i64.const 0x7ff4000000000123))
      (f64.store (i32.const 32) (f64.load (i32.const 24)))
      (call $output_write (i32.const 0) (i32.const 40))`)
    const output = Buffer.from((await run(bytes)).output)
    expect(output.readDoubleLE(0)).to.equal(0.1 + 0.2)
    expect(output.readDoubleLE(8)).to.equal(-Infinity)
    expect(output.subarray(16, 24).toString('hex')).to.equal('010000000000f4ff')
    expect(output.subarray(32).toString('hex')).to.equal('230100000000f47f')
  })

  it('keeps the results of functions that give several, return early or branch out of themselves', async () => {
    const bytes = await program(
      `(func $two (param i32) (result i32 i32) (if (local.get 0) (then (return (i32.const 1) (i32.const 2))))
        (call $nop) (br 0 (i32.const 3) (i32.const 4)))
      (func $nop)
      (func $store (param i32 i32 i32) (i32.store8 (local.get 0) (local.get 1)) (i32.store8 offset=1 (local.get 0) (local.get 2)))
      (func $pair (param i32 i32) (local i32 i32) (call $two (local.get 1)) (local.set 3) (local.set 2)
        (call $store (local.get 0) (local.get 2) (local.get 3)))
      (func (export "run") (call $pair (i32.const 0) (i32.const 1)) (call $pair (i32.const 2) (i32.const 0))
        (call $output_write (i32.const 0) (i32.const 4)))`,
      { multi_value: true },
    )
    expect([...(await run(bytes)).output]).to.deep.equal([1, 2, 3, 4])
  })

  it('lets calls come back as often as they like: a frame that returned costs nothing any more', async () => {
    const bytes = await program(`(func $leaf (nop)) (func $middle (call $leaf) (call $leaf))
      (func (export "run") (local $i i32) (loop (call $middle)
        (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100000)))))`)
    expect((await run(bytes)).status).to.equal(0)
  })

  it('runs a start function before run, on the same account', async () => {
    const bytes = await program(`(global $g (mut i32) (i32.const 0)) (start $start)
      (func $start (global.set $g (i32.const 41)))
      (func (export "run") (i32.store (i32.const 0) (i32.add (global.get $g) (i32.const 1)))
        (call $output_write (i32.const 0) (i32.const 4)))`)
    const { output, fuel } = await run(bytes)
    expect(Buffer.from(output).readInt32LE()).to.equal(42)
    expect(fuel).to.equal(2n + 5n + 3n + 64n)
    const endless = await program('(start $start) (func $start (loop (br 0))) (func (export "run"))')
    expect(await run(endless, 1n)).to.include({ status: 2, units: 1n })
  })

  it('hides its meters from the program and exports no more than it must', async () => {
    const bytes =
      await assemble(`(module (memory (export "memory") 1) (global (export "meter.fuel") (mut i64) (i64.const 5))
      (func (export "run")) (func (export "secret")))`)
    const exported = WebAssembly.Module.exports(new WebAssembly.Module(Buffer.from(instrument(bytes))))
    expect(exported.map(({ name }) => name)).to.have.members([
      'memory',
      'run',
      'meter.fuel',
      'meter.slots',
      'meter.fault',
    ])
  })
})
