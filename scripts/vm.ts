/**
 * `npm run -s vm -- run FILE.elf`: runs a program of the provable machine on an engine of one's choice and says how it
 * ended.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { TallyError } from '#protocol/errors.ts'
import { loadElf } from '#protocol/vm/elf.ts'
import { STATUS } from '#protocol/vm/state.ts'

import { DEFAULT_ENGINE, ENGINES, type Stand } from './vm/engines.ts'

const HELP = `npm run -s vm -- run FILE.elf [--engine NAME] [--input FILE] [--max-steps N] [--json]

  --engine NAME   ${[...ENGINES.keys()].join(', ')}; ${DEFAULT_ENGINE} if left out
  --input FILE    what the program is asked; empty if left out
  --max-steps N   stops there when the program has not ended
  --json          prints {"halt", "a0", "instructions", "stateHash"}`

const MAX_STEPS = Number.MAX_SAFE_INTEGER

/** A reason to stop, worded for the person at the terminal. */
class UsageError extends TallyError {
  override readonly name = 'UsageError'

  constructor(problem: string, options?: ErrorOptions) {
    super('vm.usage', problem, options)
  }
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        engine: { type: 'string', default: DEFAULT_ENGINE },
        input: { type: 'string' },
        'max-steps': { type: 'string', default: String(MAX_STEPS) },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new UsageError(problem.split('\n')[0] ?? problem, { cause: error })
  }
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

function readMaxSteps(text: string): number {
  const steps = Number(text)
  if (!/^\d+$/.test(text) || steps > MAX_STEPS)
    throw new UsageError(`--max-steps takes a whole number up to ${MAX_STEPS}, not ${text}`)
  return steps
}

function haltOf({ status }: Stand): 'ecall' | 'trap' | 'limit' {
  if (status === STATUS.halted) return 'ecall'
  return status === STATUS.trapped ? 'trap' : 'limit'
}

function textOf(stand: Stand): string {
  const ends = { ecall: 'ended by ecall', trap: 'trapped', limit: 'stopped at the limit' }
  return `${ends[haltOf(stand)]} after ${stand.steps} instructions, a0 = ${stand.a0}, state ${stand.stateHash}`
}

function jsonOf(stand: Stand): string {
  const { a0, steps, stateHash } = stand
  return JSON.stringify({ halt: haltOf(stand), a0, instructions: String(steps), stateHash })
}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = readArguments(args)
  if (values.help) {
    console.log(HELP)
    return
  }
  const [verb, file, ...rest] = positionals
  if (verb !== 'run' || file === undefined || rest.length > 0) throw new UsageError(`usage: ${HELP.split('\n')[0]}`)
  const engine = ENGINES.get(values.engine)
  if (engine === undefined)
    throw new UsageError(`no engine is called ${values.engine}; there are ${[...ENGINES.keys()].join(', ')}`)
  const maxSteps = readMaxSteps(values['max-steps'])
  const image = loadElf(readBytes(file))
  const input = values.input === undefined ? new Uint8Array() : readBytes(values.input)
  const stand = await engine(image, input, maxSteps)
  console.log(values.json ? jsonOf(stand) : textOf(stand))
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof TallyError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
