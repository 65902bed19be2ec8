/**
 * Compiles and runs programs inside the child process: a fresh instance per job, nothing else is kept than compiled code.
 *
 * @module
 */
import { createHash } from 'node:crypto'

import { instrument, meterExports } from '../fuel/instrument.ts'
import { PAGE_BYTES, ProgramError } from '../fuel/module-limits.ts'
import type { AnswerFrame, JobFrame } from './frames.ts'

/** Compiled programs kept. */
const MAX_COMPILED = 8
/** Memory of ended instances after which the collector is asked to run, as it does not see it. */
const COLLECT_AFTER_BYTES = 134_217_728

type Meters = {
  readonly memory: WebAssembly.Memory
  readonly fuel: WebAssembly.Global<'i64'>
  readonly fault: WebAssembly.Global<'i32'>
  readonly run: () => void
}

/** Why a host function ended the program. */
class HostStop extends Error {
  readonly code: 'trap' | 'execution.output-too-large'

  constructor(code: HostStop['code']) {
    super(code)
    this.code = code
  }
}

/** Creates what runs one job after the other. */
export function createProgramRunner(collect: () => void): (job: JobFrame) => AnswerFrame {
  const compiled = new Map<string, WebAssembly.Module>()
  let uncollected = 0

  function compile(program: Uint8Array): WebAssembly.Module {
    const key = createHash('sha256').update(program).digest('hex')
    const found = compiled.get(key)
    if (found !== undefined) return found
    const module = compileProgram(program)
    const oldest = compiled.keys().next()
    if (compiled.size >= MAX_COMPILED && oldest.done !== true) compiled.delete(oldest.value)
    compiled.set(key, module)
    return module
  }

  return (job) => {
    let meters: Meters | undefined
    try {
      const output = createOutput(job.maxOutputBytes)
      meters = instantiate(compile(job.program), job, output)
      const answer = runToEnd(meters, job.fuel)
      return answer.status === 0 ? { ...answer, output: output.bytes() } : answer
    } catch (error) {
      return failure(error)
    } finally {
      uncollected += (meters?.memory.buffer.byteLength ?? 0) + PAGE_BYTES
      if (uncollected > COLLECT_AFTER_BYTES) {
        collect()
        uncollected = 0
      }
    }
  }
}

function compileProgram(program: Uint8Array): WebAssembly.Module {
  const rewritten = Buffer.from(instrument(program))
  // types are checked on the program as it came: rewritten, it could reach the meters
  if (!WebAssembly.validate(Buffer.from(program))) throw new ProgramError('the module is not valid WebAssembly')
  return new WebAssembly.Module(rewritten)
}

function runToEnd(meters: Meters, fuel: bigint): AnswerFrame & { kind: 'ended' } {
  meters.fuel.value = fuel
  try {
    meters.run()
    return { kind: 'ended', status: 0, fuel: fuel - meters.fuel.value, output: new Uint8Array() }
  } catch (error) {
    const isTrap = error instanceof WebAssembly.RuntimeError || (error instanceof HostStop && error.code === 'trap')
    if (!isTrap || meters.fault.value !== 0) throw meters.fault.value === 0 ? error : new RangeError('memory')
    const left = meters.fuel.value
    if (left < 0n) return { kind: 'ended', status: 2, fuel, output: new Uint8Array() }
    return { kind: 'ended', status: 1, fuel: fuel - left, output: new Uint8Array() }
  }
}

type Output = { write(bytes: Uint8Array): void; bytes(): Uint8Array }

function createOutput(maxBytes: number): Output {
  let buffer = Buffer.alloc(Math.min(maxBytes, 4_096))
  let length = 0
  return {
    write(bytes) {
      const end = length + bytes.length
      if (end > maxBytes) throw new HostStop('execution.output-too-large')
      if (end > buffer.length) {
        const larger = Buffer.alloc(Math.min(maxBytes, Math.max(end, buffer.length * 2)))
        larger.set(buffer.subarray(0, length))
        buffer = larger
      }
      buffer.set(bytes, length)
      length = end
    },
    bytes: () => buffer.subarray(0, length),
  }
}

function instantiate(module: WebAssembly.Module, job: JobFrame, output: Output): Meters {
  const { input } = job
  /** A part of the program's memory, or a trap. */
  const view = (at: number, length: number): Uint8Array => {
    const { buffer } = meters.memory
    const start = at >>> 0
    const size = length >>> 0
    if (start + size > buffer.byteLength) throw new HostStop('trap')
    return new Uint8Array(buffer, start, size)
  }
  const instance = new WebAssembly.Instance(module, {
    tally: {
      input_length: () => input.length,
      input_read(at: number, from: number, length: number) {
        const start = from >>> 0
        const target = view(at, length)
        if (start + target.length > input.length) throw new HostStop('trap')
        target.set(input.subarray(start, start + target.length))
      },
      output_write: (at: number, length: number) => output.write(view(at, length)),
    },
  })
  const exported = instance.exports
  // these names and kinds were written by `instrument`
  const meters: Meters = {
    memory: exported.memory as WebAssembly.Memory,
    fuel: exported[meterExports.fuel] as WebAssembly.Global<'i64'>,
    fault: exported[meterExports.fault] as WebAssembly.Global<'i32'>,
    run: exported.run as () => void,
  }
  return meters
}

function failure(error: unknown): AnswerFrame {
  const detail = error instanceof Error ? error.message : String(error)
  if (error instanceof ProgramError || error instanceof HostStop) return { kind: 'failed', code: error.code, detail }
  if (error instanceof WebAssembly.CompileError) return { kind: 'failed', code: 'execution.program-invalid', detail }
  const isMemory = error instanceof RangeError && detail.includes('emory')
  return { kind: 'failed', code: isMemory ? 'execution.memory' : 'execution.crashed', detail }
}
