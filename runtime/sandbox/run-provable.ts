/**
 * Runs provable programs inside the child process: a fresh machine per run; of the last program its image is kept,
 * and of the last run that was looked into, moments.
 *
 * @module
 */
import { TallyError } from '#protocol/errors.ts'
import { type Image, loadElf } from '#protocol/vm/elf.ts'
import {
  DATA_BASE,
  INPUT_DEPTH,
  INSTRUCTIONS_PER_UNIT,
  OUTPUT_BASE,
  OUTPUT_BYTES,
  OUTPUT_DEPTH,
  PROGRAM_DEPTH,
} from '#protocol/vm/layout.ts'
import type { Machine } from '#protocol/vm/machine.ts'
import { resultOf } from '#protocol/vm/result.ts'
import { STATE_BYTES, STATUS } from '#protocol/vm/state.ts'
import { witnessOf } from '#protocol/vm/witness.ts'

import { type Engine, withEngine } from '../vm/engine.ts'
import { TranslationError } from '../vm/translated-machine.ts'
import type { AnswerFrame } from './frames.ts'
import { type KeptRun, keepRun } from './kept-run.ts'
import type { ProvableJob } from './provable-frames.ts'

type Look = ProvableJob & { readonly task: 'states' | 'witness' }
type Ended = AnswerFrame & { readonly kind: 'ended' }

/**
 * Creates what runs one job after the other.
 *
 * @param collect - Frees what ended jobs held.
 */
export function createProvableRunner(collect: () => void): (job: ProvableJob) => AnswerFrame {
  let last: { readonly program: Buffer; readonly image: Image } | undefined
  let kept: KeptRun | undefined

  function imageOf(program: Uint8Array): Image {
    if (last?.program.equals(program) === true) return last.image
    kept = undefined
    const image = loadElf(program)
    last = { program: Buffer.from(program), image }
    return image
  }

  function perform(job: ProvableJob): Ended {
    const image = imageOf(job.program)
    const known = job.task !== 'run' && kept?.isOf(image, job.input) === true ? lookAgain(kept, job) : undefined
    if (known !== undefined) return known
    kept = undefined
    return withEngine(image, job.input, (engine) => {
      if (job.task === 'run') return runToEnd(engine, job.limit)
      kept = keepRun(engine, image, job.input)
      return lookInto(kept, job)
    })
  }

  return (job) => {
    try {
      return perform(job)
    } catch (error) {
      kept = undefined
      return failure(error)
    } finally {
      collect()
    }
  }
}

/** Undefined when V8 gave up on the run's code: it has to begin again. */
function lookAgain(run: KeptRun, job: Look): Ended | undefined {
  try {
    return lookInto(run, job)
  } catch (error) {
    if (error instanceof TranslationError) return undefined
    throw error
  }
}

function lookInto(run: KeptRun, job: Look): Ended {
  if (job.task === 'states') return states(run, job.steps)
  const { machine } = run.at(job.steps[0])
  return ended(machine, witnessOf(machine))
}

function runToEnd(engine: Engine, limit: bigint): Ended {
  engine.run(limit)
  const { output, finalState } = resultOf(engine.machine, limit / BigInt(INSTRUCTIONS_PER_UNIT))
  return ended(engine.machine, Buffer.concat([finalState, ...regionRoots(engine.machine), output]))
}

/** Roots of the program, output and input regions of a committed machine. */
function regionRoots({ memoryTree }: Machine): Uint8Array[] {
  const output = (OUTPUT_BASE - DATA_BASE) / OUTPUT_BYTES
  return [
    memoryTree.nodeAt(PROGRAM_DEPTH, 0),
    memoryTree.nodeAt(OUTPUT_DEPTH, output),
    memoryTree.nodeAt(INPUT_DEPTH, output + 1),
  ]
}

function states(run: KeptRun, steps: readonly bigint[]): Ended {
  const packed = Buffer.alloc(STATE_BYTES * steps.length)
  for (const [index, step] of steps.entries()) packed.set(run.at(step).machine.packedState(), STATE_BYTES * index)
  return ended(run.at(steps.at(-1) ?? 0n).machine, packed)
}

function ended({ status, steps }: Machine, output: Uint8Array): Ended {
  return { kind: 'ended', status: endings[status], fuel: BigInt(steps), output }
}

/** Numbers of answers by those of states: done, trapped, not ended. */
const endings = { [STATUS.halted]: 0, [STATUS.trapped]: 1, [STATUS.running]: 2 } as const

function failure(error: unknown): AnswerFrame {
  const detail = error instanceof Error ? error.message : String(error)
  return { kind: 'failed', code: codeOf(error), detail }
}

function codeOf(error: unknown): string {
  const code = error instanceof TallyError ? error.code : ''
  if (code.startsWith('program.')) return 'execution.program-invalid'
  if (code === 'machine.input') return 'execution.input-too-large'
  if (code === 'execution.output-dirty') return code
  return error instanceof RangeError ? 'execution.memory' : 'execution.crashed'
}
