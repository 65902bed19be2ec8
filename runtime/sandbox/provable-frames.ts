/**
 * Messages to the child process that runs provable programs; its answers are those of `frames.ts`.
 *
 * @module
 */

/** What is asked of a provable program. */
export type ProvableJob = {
  readonly program: Uint8Array
  readonly input: Uint8Array
} & (
  | {
      /** Its result: the 201 bytes of the last state, the roots of program, output and input region, then the output. */
      readonly task: 'run'
      /** Instructions it may execute. */
      readonly limit: bigint
    }
  | {
      /** The 201 bytes of the states after so many instructions. */
      readonly task: 'states'
      readonly steps: readonly bigint[]
    }
  | {
      /** The witness of the step after so many instructions. */
      readonly task: 'witness'
      readonly steps: readonly [bigint]
    }
)

const tasks = ['run', 'states', 'witness'] as const
const HEADER = 9

/** Writes a job with its length in front. */
export function encodeProvableJob(job: ProvableJob): Buffer {
  const numbers = job.task === 'run' ? [job.limit] : job.steps
  const programAt = 4 + HEADER + 8 * numbers.length
  const frame = Buffer.alloc(programAt + job.program.length + job.input.length)
  frame.writeUInt32BE(frame.length - 4, 0)
  frame.writeUInt8(tasks.indexOf(job.task), 4)
  frame.writeUInt32BE(numbers.length, 5)
  frame.writeUInt32BE(job.program.length, 9)
  for (const [index, number] of numbers.entries()) frame.writeBigUInt64BE(number, 4 + HEADER + 8 * index)
  frame.set(job.program, programAt)
  frame.set(job.input, programAt + job.program.length)
  return frame
}

/** Reads a job without its length. */
export function decodeProvableJob(frame: Buffer): ProvableJob {
  const count = frame.readUInt32BE(1)
  const programAt = HEADER + 8 * count
  const inputAt = programAt + frame.readUInt32BE(5)
  const numbers = Array.from({ length: count }, (_, index) => frame.readBigUInt64BE(HEADER + 8 * index))
  const [first = 0n] = numbers
  const common = { program: frame.subarray(programAt, inputAt), input: frame.subarray(inputAt) }
  const task = tasks[frame.readUInt8(0)] ?? 'run'
  if (task === 'run') return { ...common, task, limit: first }
  return task === 'states' ? { ...common, task, steps: numbers } : { ...common, task, steps: [first] }
}
