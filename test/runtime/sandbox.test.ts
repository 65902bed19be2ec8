import { expect } from 'chai'

import { createExecutor, type Execution, type Executor } from '#runtime/executor.ts'

import { caught } from './support/caught.ts'
import { type RawFunction, rawModule, repeated } from './support/raw-module.ts'
import { assemble, program, runBody } from './support/wat.ts'

const nothing = new Uint8Array()
const nops = (count: number) => repeated([0x01], count)
/** Far above what any of these needs, far below what an unbounded one would take. */
const PATIENCE_MS = 8_000

describe('a program nobody should run', function () {
  this.timeout(60_000)
  let executor: Executor

  before(() => {
    executor = createExecutor({ limits: { timeoutMs: PATIENCE_MS, outputBytes: 65_536 } })
  })
  after(() => executor.close())

  async function run(bytes: Uint8Array, maxUnits = 100n): Promise<Execution> {
    return executor.execute({ program: bytes, input: nothing, maxUnits })
  }
  async function expectRefused(bytes: Uint8Array, code: string, maxUnits?: bigint): Promise<void> {
    expect(await caught(run(bytes, maxUnits))).to.include({ code })
  }
  afterEach('and the next job runs fine', async () => {
    const next = await program(
      '(data (i32.const 0) "fine") (func (export "run") (call $output_write (i32.const 0) (i32.const 4)))',
    )
    expect(Buffer.from((await run(next)).output).toString()).to.equal('fine')
  })

  describe('taking too much', () => {
    it('is killed when it loops for ever', async () => {
      const impatient = createExecutor({ limits: { timeoutMs: 300 } })
      try {
        const job = { program: await runBody('(loop (br 0))'), input: nothing, maxUnits: 2n ** 47n }
        expect(await caught(impatient.execute(job))).to.include({ code: 'execution.timeout' })
        const short = { ...job, program: await runBody('(nop)') }
        expect((await impatient.execute(short)).status).to.equal(0)
      } finally {
        await impatient.close()
      }
    })

    it('gets no more memory than 64 MiB, and pays for each page', async () => {
      const bytes = await program(`(func (export "run") (local $grown i32)
        (block (loop (br_if 1 (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
          (i32.store8 (i32.mul (local.get $grown) (i32.const 65536)) (i32.const 1))
          (local.set $grown (i32.add (local.get $grown) (i32.const 1))) (br 0)))
        (i32.store (i32.const 0) (memory.size)) (call $output_write (i32.const 0) (i32.const 4)))`)
      const { status, output, fuel } = await run(bytes)
      expect(status).to.equal(0)
      expect(Buffer.from(output).readUInt32LE()).to.equal(1_024)
      expect(fuel > 1_023n * 4_096n).to.equal(true)
      expect((await run(await runBody('(drop (memory.grow (i32.const -1)))'))).status).to.equal(0)
    })

    it('gets its memory again and again: jobs before it left none behind', async () => {
      const bytes = await program(`(func (export "run")
        (if (i32.eq (memory.grow (i32.const 1023)) (i32.const -1)) (then (unreachable)))
        (memory.fill (i32.const 0) (i32.const 7) (i32.const 67108864)))`)
      for (let job = 0; job < 30; job += 1) expect((await run(bytes)).status).to.equal(0)
    })

    it('is refused when it declares more memory or table than allowed', async () => {
      await expectRefused(
        await assemble('(module (memory (export "memory") 1025) (func (export "run")))'),
        'execution.program-invalid',
      )
      await expectRefused(await program('(table 65537 funcref) (func (export "run"))'), 'execution.program-invalid')
    })

    it('is ended when it floods its output', async () => {
      const bytes = await runBody('(loop (call $output_write (i32.const 0) (i32.const 65536)) (br 0))')
      await expectRefused(bytes, 'execution.output-too-large')
    })

    it('pays for bytes moved, not for instructions alone', async () => {
      const bytes = await program(
        '(func (export "run") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br 0)))',
      )
      expect(await run(bytes, 50n)).to.include({ status: 2, units: 50n })
      const reads = await runBody('(loop (call $input_read (i32.const 0) (i32.const 0) (i32.const 0)) (br 0))')
      expect(await run(reads, 50n)).to.include({ status: 2, units: 50n })
    })

    it('traps at the same depth of calls, whatever its frames hold', async () => {
      const shallow = await program(`(global $depth (mut i32) (i32.const 0)) (func $down (export "run")
        (global.set $depth (i32.add (global.get $depth) (i32.const 1))) (call $down))`)
      const locals = Array.from({ length: 900 }, (_, index) => `(local $l${index} f64)`).join(' ')
      const reads = Array.from({ length: 900 }, (_, index) => `(local.get $l${index})`).join(' ')
      const wide = await program(`(func $down (export "run") ${locals} ${reads} (call $down) ${'drop '.repeat(900)})`)
      const passed = 'i64 '.repeat(60)
      const many =
        await program(`(func $down (param ${passed}) ${Array.from({ length: 60 }, (_, index) => `(local.get ${index})`).join(' ')} (call $down))
        (func (export "run") ${'(i64.const 1) '.repeat(60)} (call $down))`)
      const given = await program(
        `(func $down (result ${'i64 '.repeat(16)}) (call $down)) (func (export "run") (call $down) ${'drop '.repeat(16)})`,
        { multi_value: true },
      )
      for (const bytes of [shallow, wide, many, given]) {
        const [first, second] = [await run(bytes), await run(bytes)]
        expect(first.status).to.equal(1)
        expect(second.fuel).to.equal(first.fuel)
      }
    })

    it('may call itself eight thousand deep', async () => {
      const bytes = await program(`(func $down (param i32) (result i32) (if (result i32) (local.get 0)
          (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))
        (func (export "run") (i32.store (i32.const 0) (call $down (i32.const 7999)))
          (call $output_write (i32.const 0) (i32.const 4)))`)
      expect(Buffer.from((await run(bytes)).output).readInt32LE()).to.equal(7_999)
    })
  })

  describe('hard to compile', () => {
    const invalid: Record<string, () => Uint8Array> = {
      'one huge function': () => rawModule([{ code: nops(300_000) }]),
      'functions without number': () => rawModule(Array.from({ length: 20_000 }, () => ({ code: nops(1) }))),
      'blocks within blocks within blocks': () =>
        rawModule([{ code: Buffer.concat([repeated([0x02, 0x40], 5_000), repeated([0x0b], 5_000)]) }]),
      'fifty thousand locals': () => rawModule([{ locals: [[50_000, 0x7e]], code: nops(1) }]),
      'locals that overflow when added up': () =>
        rawModule([
          {
            locals: [
              [0xffff_ffff, 0x7e],
              [2, 0x7e],
            ],
            code: nops(1),
          },
        ]),
      'a branch table of sixty thousand labels': () => {
        const table = Buffer.concat([Uint8Array.from([0x41, 0, 0x0e, 0xe0, 0xd4, 0x03]), repeated([0], 60_001)])
        return rawModule([{ code: table }])
      },
      'branches that each merge two thousand locals': () => rawModule(mergers(2_000, 60_000)),
      'operands without number': () =>
        rawModule([{ code: Buffer.concat([repeated([0x41, 0], 5_000), repeated([0x1a], 5_000)]) }]),
    }
    for (const [name, build] of Object.entries(invalid)) {
      it(`is refused: ${name}`, () => expectRefused(build(), 'execution.program-invalid'))
    }

    it('is refused before it is read when it is longer than a mebibyte', () =>
      expectRefused(
        rawModule(Array.from({ length: 5 }, () => ({ code: nops(250_000) }))),
        'execution.program-too-large',
      ))

    const allowed: Record<string, () => Uint8Array> = {
      'a mebibyte of branches': () =>
        rawModule(Array.from({ length: 4 }, () => ({ code: repeated([0x41, 0, 0x0d, 0], 65_000) }))),
      'ten thousand functions': () => rawModule(Array.from({ length: 10_000 }, () => ({ code: nops(90) }))),
      'a thousand blocks within blocks': () =>
        rawModule([{ code: Buffer.concat([repeated([0x02, 0x40], 1_000), repeated([0x0b], 1_000)]) }]),
      'as many merges as allowed': () => rawModule(mergers(1_999, 2_900)),
    }
    for (const [name, build] of Object.entries(allowed)) {
      it(`ends in time when it is just allowed: ${name}`, async () => {
        const startedAt = performance.now()
        expect((await run(build())).status).to.equal(0)
        expect(performance.now() - startedAt).to.be.lessThan(PATIENCE_MS)
      })
    }

    /** Functions with many locals alive at many branches. */
    function mergers(locals: number, branches: number): RawFunction[] {
      return [{ locals: [[locals, 0x7e]], code: repeated([0x41, 0, 0x0d, 0], branches) }]
    }
  })

  describe('asking for more than numbers', () => {
    const imports: Record<string, string> = {
      'reading files': '(import "node:fs" "readFileSync" (func (param i32) (result i32)))',
      'the network': '(import "node:net" "connect" (func (param i32 i32)))',
      WASI: '(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))',
      'a clock': '(import "env" "now" (func (result f64)))',
      'an unknown host function': '(import "tally" "environment" (func (result i32)))',
      'a property every object has': '(import "tally" "constructor" (func (result i32)))',
      'a host function of another type': '(import "tally" "input_length" (func (result i64)))',
      'a memory from outside': '(import "tally" "memory" (memory 1))',
      'a global from outside': '(import "tally" "fuel" (global (mut i64)))',
      'a table from outside': '(import "tally" "table" (table 1 funcref))',
    }
    for (const [name, line] of Object.entries(imports)) {
      it(`is refused: ${name}`, async () => {
        const own = line.includes('memory') ? '(export "memory" (memory 0))' : '(memory (export "memory") 1)'
        await expectRefused(
          await assemble(`(module ${line} ${own} (func (export "run")))`),
          'execution.program-invalid',
        )
      })
    }
  })

  describe('that is not one', () => {
    const text: Record<string, string> = {
      'no run': '(module (memory (export "memory") 1))',
      'a run that takes something': '(module (memory (export "memory") 1) (func (export "run") (param i32)))',
      'a run that is a memory': '(module (memory (export "memory") (export "run") 1))',
      'no memory': '(module (func (export "run")))',
      'a memory kept to itself': '(module (memory 1) (func (export "run")))',
      'a start function that is not there': '(module (memory (export "memory") 1) (start 7) (func (export "run")))',
      'data outside its memory':
        '(module (memory (export "memory") 1) (data (i32.const 65535) "ab") (func (export "run")))',
      'table entries outside its table':
        '(module (memory (export "memory") 1) (table 1 funcref) (func $f (export "run")) (elem (i32.const 1) $f))',
      'passive data': '(module (memory (export "memory") 1) (data "ab") (func (export "run")))',
      vectors: '(module (memory (export "memory") 1) (func (export "run") (drop (v128.const i32x4 0 0 0 0))))',
      'a shared memory': '(module (memory (export "memory") 1 1 shared) (func (export "run")))',
      'atomic access':
        '(module (memory (export "memory") 1) (func (export "run") (drop (i32.atomic.load (i32.const 0)))))',
      'tail calls': '(module (memory (export "memory") 1) (func $f (export "run") (return_call $f)))',
      exceptions: '(module (memory (export "memory") 1) (tag $t) (func (export "run") (throw $t)))',
      references: '(module (memory (export "memory") 1) (func (export "run") (drop (ref.null func))))',
      'two memories': '(module (memory (export "memory") 1) (memory 1) (func (export "run")))',
      'a memory of 64-bit addresses': '(module (memory (export "memory") i64 1) (func (export "run")))',
    }
    const everything = {
      simd: true,
      threads: true,
      tail_call: true,
      exceptions: true,
      multi_memory: true,
      memory64: true,
      bulk_memory: true,
      reference_types: true,
    }
    for (const [name, wat] of Object.entries(text)) {
      it(`is refused: ${name}`, async () => expectRefused(await assemble(wat, everything), 'execution.program-invalid'))
    }

    const code = (...bytes: number[]) => rawModule([{ code: Uint8Array.from(bytes) }])
    const raw: Record<string, () => Uint8Array> = {
      'no bytes': () => nothing,
      'an ELF file': () => Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, 0]),
      'noise behind a good start': () =>
        Uint8Array.from([
          0,
          0x61,
          0x73,
          0x6d,
          1,
          0,
          0,
          0,
          ...Array.from({ length: 200 }, (_, index) => (index * 73) % 256),
        ]),
      'code that ends within an instruction': () => code(0x41),
      'code with an unknown instruction': () => code(0xff),
      'code with one end too many': () => code(0x0b, 0x01),
      'operands of another type': () => code(0x42, 0, 0x42, 0, 0x6a, 0x1a),
      'an operand that is missing': () => code(0x1a),
      'a global of its meter': () => code(0x42, 0, 0x24, 0),
      'a call of the function that grows memory': () => code(0x41, 0, 0x10, 1, 0x1a),
      'a branch out of its function': () => code(0x0c, 9),
    }
    for (const [name, build] of Object.entries(raw)) {
      it(`is refused: ${name}`, () => expectRefused(build(), 'execution.program-invalid'))
    }

    it('is refused or runs, but never harms, when a good one is damaged anywhere', async () => {
      const good = await program(`(table 2 funcref) (elem (i32.const 0) $leaf $leaf) (type $t (func (result i32)))
        (func $leaf (result i32) (i32.load (i32.const 4)))
        (func (export "run") (local $i i32) (loop
          (i32.store (i32.const 8) (call_indirect (type $t) (i32.and (local.get $i) (i32.const 1))))
          (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 50))))
          (call $output_write (i32.const 8) (i32.const 4)))`)
      const ends = new Set<string>()
      for (let at = 0; at < good.length; at += 1) {
        const damaged = Uint8Array.from(good)
        damaged[at] = ((good[at] ?? 0) + 1 + ((at * 37) % 254)) % 256
        ends.add(
          await run(damaged, 1n).then(
            ({ status }) => String(status),
            (error) => error.code,
          ),
        )
      }
      const known = ['0', '1', '2', 'execution.program-invalid', 'execution.output-too-large']
      expect([...ends].filter((end) => !known.includes(end))).to.deep.equal([])
    })
  })
})
