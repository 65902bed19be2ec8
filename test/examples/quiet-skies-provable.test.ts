import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect } from 'chai'

import { createExecutor } from '#runtime/executor.ts'

import { loadTasks, program, provableProgram, summarise } from '../../examples/quiet-skies/workload.ts'
import { expectRebuilt, isDeep, outputOf, run } from './support/run-provable.ts'

const folder = fileURLToPath(new URL('../../examples/quiet-skies/', import.meta.url))

describe('quiet skies on the provable machine', function () {
  this.timeout(300_000)
  const { inputs } = loadTasks(isDeep ? 30 : 6)

  const executor = createExecutor()
  after(async () => {
    await executor.close()
  })

  /** What the module makes of an input: as it is sold as kind Repeatable. */
  async function runModule(input: Uint8Array): Promise<[ending: string | undefined, output: string]> {
    const { status, output } = await executor.execute({ program: program(), input, maxUnits: 100n })
    return [['halted', 'trapped'][status], Buffer.from(output).toString('hex')]
  }

  function runProvable(input: Uint8Array): [ending: string, output: string] {
    const { ending, output } = run(provableProgram(), input)
    return [ending, Buffer.from(output).toString('hex')]
  }

  it('writes what the WebAssembly module writes, byte for byte', async () => {
    for (const [index, input] of inputs.entries()) {
      expect(runProvable(input), `task ${index}`).to.deep.equal(await runModule(input))
    }
  })

  it('finds a silence in every month it looks at, with the same program', () => {
    const outputs = inputs.slice(0, 2).map((input) => outputOf(provableProgram(), input))
    expect(summarise(outputs).silences.length).to.equal(2)
  })

  it('traps where the module traps', async () => {
    const good = inputs[0] ?? new Uint8Array()
    const endings: string[] = []
    for (const [at, value] of [
      [5, 0],
      [5, 255],
      [8, 255],
      [9, 255],
      [10, 255],
    ] as const) {
      const input = Uint8Array.from(good, (byte, index) => (index === at ? value : byte))
      const provable = runProvable(input)
      endings.push(provable[0])
      expect(provable, `byte ${at} is ${value}`).to.deep.equal(await runModule(input))
    }
    expect(runProvable(new Uint8Array())).to.deep.equal(await runModule(new Uint8Array()))
    expect(endings.filter((ending) => ending === 'trapped').length).to.be.at.least(3)
  })

  it('is the program that SOURCE.md names', () => {
    const hash = createHash('sha256').update(provableProgram()).digest('hex')
    expect(readFileSync(join(folder, 'SOURCE.md'), 'utf8')).to.contain(hash)
  })

  if (isDeep) {
    it('is compiled to the same bytes from the module', async () => {
      await expectRebuilt(folder, ['sudden-silence.wasm'])
    })
  }
})
