import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect } from 'chai'
import { network } from 'hardhat'
import wabt from 'wabt'

import { type Image, loadElf, programHash } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { createMachine } from '#protocol/vm/machine.ts'
import { stateHash } from '#protocol/vm/state.ts'
import { verifyStep } from '#protocol/vm/verify-step.ts'
import { createExecutor } from '#runtime/executor.ts'

import { digestInput } from '../../examples/lambda-phage/workload.ts'
import { type Said, tally } from './support/console.ts'

const examples = fileURLToPath(new URL('../../examples/', import.meta.url))
const digest = join(examples, 'lambda-phage/digest.elf')
const forecast = join(examples, 'city-weather/forecast.elf')
const REFEREE = fileURLToPath(
  new URL('../../artifacts/contracts/BisectionReferee.sol/BisectionReferee.json', import.meta.url),
)
const VERIFIER = '0x00000000000000000000000000000000000072f5'
const isDeep = process.env.TALLY_DEEP === '1'

const GREETING = `
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tally.h>

int tally_main(const uint8_t *input, uint32_t length)
{
    char *name = calloc(length + 1, 1);
    memcpy(name, input, length);
    if (length == 0) tally_trap();
    printf("hello %s, %.3f\\n", name, sqrt(2));
    if (strcmp(name, "exit") == 0) exit(7);
    return 3;
}
`

/** Calls through a table by the input's length; the last entry is missing, so a length of 3 traps. */
const MODULE = `(module
  (import "tally" "input_length" (func $length (result i32)))
  (import "tally" "input_read" (func $read (param i32 i32 i32)))
  (import "tally" "output_write" (func $write (param i32 i32)))
  (memory (export "memory") 1)
  (type $binary (func (param i32 i32) (result i32)))
  (table 4 funcref)
  (elem (i32.const 0) $add $divide $shift)
  (func $add (type $binary) (i32.add (local.get 0) (local.get 1)))
  (func $divide (type $binary) (i32.div_s (local.get 0) (local.get 1)))
  (func $shift (type $binary) (i32.rotl (local.get 0) (local.get 1)))
  (func (export "run") (local $at i32)
    (local.set $at (i32.shl (memory.grow (i32.const 9)) (i32.const 16)))
    (i32.store offset=0 (local.get $at) (call_indirect (type $binary) (i32.const -77) (i32.const 5) (call $length)))
    (i32.store offset=4 (local.get $at) (memory.grow (i32.const 60000)))
    (f64.store offset=9 (local.get $at) (f64.sqrt (f64.convert_i32_u (call $length))))
    (call $read (i32.add (local.get $at) (i32.const 17)) (i32.const 0) (call $length))
    (i64.store offset=20 (local.get $at) (i64.rem_s (i64.const -1234567890123) (i64.const 1000003)))
    (call $write (local.get $at) (i32.const 28))))`

describe('tally program', function () {
  this.timeout(120_000)
  const folder = mkdtempSync(join(tmpdir(), 'tally-program-'))
  const at = (name: string): string => join(folder, name)
  const input = digestInput('EcoRI GAATTC 1')
  let image: Image

  before(() => {
    image = loadElf(readFileSync(digest))
    writeFileSync(at('input'), input)
    writeFileSync(at('greeting.c'), GREETING)
    writeFileSync(at('broken.c'), 'int tally_main(')
    writeFileSync(at('text'), 'no program')
    const compressed = readFileSync(digest)
    compressed.writeUInt32LE(1, 36)
    writeFileSync(at('compressed.elf'), compressed)
  })

  after(() => {
    rmSync(folder, { recursive: true })
  })

  async function tallyJson(...args: string[]): Promise<Record<string, unknown>> {
    const said = await tally(['program', ...args, '--json'])
    expect(said.err).to.deep.equal([])
    return JSON.parse(said.out) as Record<string, unknown>
  }

  function expectRefused(said: Said, code: string, says: RegExp): void {
    expect(said.code).to.equal(2)
    expect(said.err.at(-1)).to.match(says).and.to.include(`(${code})`)
  }

  /** Status and output of a module, and of the program made of it. */
  async function runBothWays(module: Uint8Array, elf: Uint8Array, length: number): Promise<[number, string][]> {
    const request = { input: new Uint8Array(length).fill(9), maxUnits: 10n }
    const executor = createExecutor()
    try {
      const repeatable = await executor.execute({ ...request, program: module })
      const provable = await executor.executeProvable({ ...request, program: elf })
      return [repeatable, provable].map(({ status, output }) => [status, Buffer.from(output).toString('hex')])
    } finally {
      await executor.close()
    }
  }

  /** Whether there is no compiler; says so. */
  function isMissing({ err }: Said): boolean {
    const isSo = err.at(-1)?.includes('cli.no-compiler') === true
    if (isSo) console.log(`      not built: ${err.at(-1)}`)
    return isSo
  }

  /** State hash after so many instructions, by the interpreter. */
  function stateAfter(steps: number): string {
    const machine = createMachine(image, input)
    interpret(machine, steps)
    return stateHash(machine.packedState())
  }

  describe('inspect', () => {
    it('says by which hash an offer names the program, and what it is made of', async () => {
      const said = await tallyJson('inspect', digest)
      const instructions = Object.values(said.instructions as Record<string, number>)
      expect(said.program).to.equal(programHash(image))
      expect(said.entry).to.equal('0x80000000')
      expect(said.fileBytes).to.equal(readFileSync(digest).length)
      expect(4 * instructions.reduce((sum, count) => sum + count, 0)).to.equal(said.codeBytes)
    })

    it('draws the same for people', async () => {
      const { out, code } = await tally(['program', 'inspect', digest])
      expect(code).to.equal(0)
      expect(out)
        .to.include(programHash(image))
        .and.to.include('offer')
        .and.to.match(/addi\s+│ [0-9]+/)
    })

    it('refuses what the machine would not run, by name', async () => {
      expectRefused(await tally(['program', 'inspect', at('text')]), 'program.malformed', /ELF/)
      expectRefused(await tally(['program', 'inspect', at('compressed.elf')]), 'program.compressed', /compressed/)
      expectRefused(await tally(['program', 'inspect', at('none')]), 'cli.unreadable-file', /none/)
    })
  })

  describe('run', () => {
    it('runs it as a worker would, and shows output and price', async () => {
      const { out, code } = await tally(['program', 'run', digest, '--input', at('input')])
      expect(code).to.equal(0)
      expect(out).to.include('EcoRI 5 21226 7421 5804 5643 4878 3530')
      expect(out).to.match(/^halted with exit code 0 after [0-9,]+ instructions: [0-9]+ units?/)
    })

    it('comes to the very state the interpreter comes to, and writes the output', async () => {
      const said = await tallyJson('run', digest, '--input', at('input'), '--output', at('output'))
      expect((said.finalState as { hash: string }).hash).to.equal(stateAfter(10 ** 9))
      expect(readFileSync(at('output'), 'utf8')).to.match(/^EcoRI 5 21226/)
    })

    it('says so when the units do not suffice, or the program traps', async () => {
      const question = join(folder, 'question')
      writeFileSync(question, Buffer.alloc(20))
      const trapped = await tallyJson('run', forecast, '--input', question)
      expect([trapped.ending, (trapped.output as { bytes: number }).bytes]).to.deep.equal(['trapped', 0])
      const short = await tallyJson('run', digest, '--input', at('input'), '--max-units', '1')
      expect([short.ending, short.units, short.instructions]).to.deep.equal(['out of units', '1', '1000000'])
    })

    it('refuses units that are none', async () => {
      const said = await tally(['program', 'run', digest, '--max-units', '0'])
      expectRefused(said, 'cli.bad-argument', /--max-units is "0"/)
    })
  })

  describe('prove', () => {
    it('proves any step of a run, from the first to the one that ends it', async () => {
      const ended = createMachine(image, input)
      interpret(ended, 10 ** 9)
      for (const step of [0, 1, 777, Math.floor(ended.steps / 2), ended.steps - 1]) {
        const said = await tallyJson('prove', digest, '--input', at('input'), '--step', String(step))
        expect([said.before, said.after], `step ${step}`).to.deep.equal([stateAfter(step), stateAfter(step + 1)])
        const witness = Buffer.from((said.witness as string).slice(2), 'hex')
        expect(verifyStep(witness)).to.deep.equal({ pre: said.before, post: said.after })
      }
    })

    it('writes the witness, and names the instruction', async () => {
      const args = ['program', 'prove', digest, '--input', at('input'), '--step', '0', '--output', at('witness')]
      const { out } = await tally(args)
      expect(out).to.match(/^step 0: auipc at 0x80000000\n/)
      expect(verifyStep(readFileSync(at('witness'))).pre).to.equal(stateAfter(0))
    })

    it('asks the verifier on a chain, of the contracts as they are deployed', async () => {
      const artifact: { deployedBytecode: string } = JSON.parse(readFileSync(REFEREE, 'utf8'))
      const server = await network.createServer('osaka', '127.0.0.1', 0)
      try {
        const { port } = await server.listen()
        const rpc = `http://127.0.0.1:${port}`
        const request = {
          jsonrpc: '2.0',
          id: 1,
          method: 'hardhat_setCode',
          params: [VERIFIER, artifact.deployedBytecode],
        }
        const headers = { 'content-type': 'application/json' }
        await fetch(rpc, { method: 'POST', headers, body: JSON.stringify(request) })
        const run = ['prove', digest, '--input', at('input'), '--step', '777', '--rpc', rpc]
        const said = await tallyJson(...run, '--verifier', VERIFIER)
        expect([said.before, said.after]).to.deep.equal([stateAfter(777), stateAfter(778)])
        expect(said.verifiedBy).to.equal(`contract ${VERIFIER}`)
        const nobody = await tally(['program', ...run, '--verifier', `0x${'33'.repeat(20)}`])
        expectRefused(nobody, 'cli.not-verified', /0x3333/)
      } finally {
        await server.close()
      }
    })

    it('asks for chain and verifier together', async () => {
      const args = ['program', 'prove', digest, '--input', at('input'), '--step', '0', '--verifier', VERIFIER]
      expectRefused(await tally(args), 'cli.bad-argument', /--rpc/)
    })

    it('has nothing to prove where the run has ended', async () => {
      const said = await tally(['program', 'prove', digest, '--input', at('input'), '--step', '100000000'])
      expectRefused(said, 'cli.no-such-step', /the run ends after [0-9]+ instructions/)
    })

    it('wants to know which step', async () => {
      expectRefused(await tally(['program', 'prove', digest]), 'cli.bad-argument', /--step/)
    })
  })

  describe('build', () => {
    it('says which packages to install when there is no compiler', async () => {
      const said = await tally(['program', 'build', at('greeting.c'), '-o', at('x.elf'), '--compiler', at('no-gcc')])
      expectRefused(said, 'cli.no-compiler', /apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf/)
    })

    it('wants to know where to put the program', async () => {
      expectRefused(await tally(['program', 'build', at('greeting.c')]), 'cli.bad-argument', /--output/)
    })

    if (isDeep) {
      it('makes a program of a WebAssembly module: tables, growing memory, traps, floats answer the same bytes', async () => {
        const module = (await wabt()).parseWat('module.wat', MODULE).toBinary({}).buffer
        writeFileSync(at('module.wasm'), module)
        const built = await tally(['program', 'build', at('module.wasm'), '-o', at('module.elf')])
        if (isMissing(built)) return
        const elf = readFileSync(at('module.elf'))
        expect(await runBothWays(module, elf, 3)).to.deep.equal([
          [1, ''],
          [1, ''],
        ])
        for (const length of [0, 1, 2]) {
          const [repeatable, provable] = await runBothWays(module, elf, length)
          expect(provable, `input of ${length}`).to.deep.equal(repeatable)
          expect(provable?.[0]).to.equal(0)
        }
      })

      it('makes a program of C that prints, allocates, computes in floating point, exits and traps', async () => {
        const built = await tally(['program', 'build', at('greeting.c'), '-o', at('greeting.elf')])
        if (isMissing(built)) return
        expect(built.out).to.include(programHash(loadElf(readFileSync(at('greeting.elf')))))
        const greet = async (name: string): Promise<unknown[]> => {
          writeFileSync(at('name'), name)
          const said = await tallyJson('run', at('greeting.elf'), '--input', at('name'), '--output', at('said'))
          return [said.ending, said.exitCode, readFileSync(at('said'), 'utf8')]
        }
        expect(await greet('world')).to.deep.equal(['halted', 3, 'hello world, 1.414\n'])
        expect(await greet('exit')).to.deep.equal(['halted', 7, 'hello exit, 1.414\n'])
        const [ending, , output] = await greet('')
        expect([ending, output]).to.deep.equal(['trapped', ''])
        const broken = await tally(['program', 'build', at('broken.c'), '-o', at('broken.elf')])
        expectRefused(broken, 'cli.does-not-compile', /broken\.c:1/)
      })
    }
  })
})
