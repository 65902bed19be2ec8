/**
 * Messages between the executor and its child process: a length, then that many bytes, never more than agreed.
 *
 * @module
 */

/** A job as the child receives it. */
export type JobFrame = {
  readonly program: Uint8Array
  readonly input: Uint8Array
  /** Fuel the program may use. */
  readonly fuel: bigint
  readonly maxOutputBytes: number
}

/** What the child answers; `ready` once, at its start. */
export type AnswerFrame =
  | { readonly kind: 'ready' }
  | { readonly kind: 'ended'; readonly status: 0 | 1 | 2; readonly fuel: bigint; readonly output: Uint8Array }
  | { readonly kind: 'failed'; readonly code: string; readonly detail: string }

const JOB_HEADER = 16
const ANSWER_HEADER = 10
const kinds = ['ready', 'ended', 'failed'] as const

/** Longest answer to a job with this output limit. */
export function answerLimit(maxOutputBytes: number): number {
  return ANSWER_HEADER + Math.max(maxOutputBytes, 4_096)
}

/** Writes a job with its length in front. */
export function encodeJob(job: JobFrame): Buffer {
  const frame = Buffer.alloc(4 + JOB_HEADER + job.program.length + job.input.length)
  frame.writeUInt32BE(frame.length - 4, 0)
  frame.writeBigUInt64BE(job.fuel, 4)
  frame.writeUInt32BE(job.maxOutputBytes, 12)
  frame.writeUInt32BE(job.program.length, 16)
  frame.set(job.program, 20)
  frame.set(job.input, 20 + job.program.length)
  return frame
}

/** Reads a job without its length. */
export function decodeJob(frame: Buffer): JobFrame {
  const programEnd = JOB_HEADER + frame.readUInt32BE(12)
  return {
    fuel: frame.readBigUInt64BE(0),
    maxOutputBytes: frame.readUInt32BE(8),
    program: frame.subarray(JOB_HEADER, programEnd),
    input: frame.subarray(programEnd),
  }
}

/** Writes an answer with its length in front. */
export function encodeAnswer(answer: AnswerFrame): Buffer {
  const body = bodyOf(answer)
  const frame = Buffer.alloc(4 + ANSWER_HEADER + body.length)
  frame.writeUInt32BE(frame.length - 4, 0)
  frame.writeUInt8(kinds.indexOf(answer.kind), 4)
  if (answer.kind === 'ended') {
    frame.writeUInt8(answer.status, 5)
    frame.writeBigUInt64BE(answer.fuel, 6)
  }
  frame.set(body, 4 + ANSWER_HEADER)
  return frame
}

/** Reads an answer without its length; undefined when it is none. */
export function decodeAnswer(frame: Buffer): AnswerFrame | undefined {
  if (frame.length < ANSWER_HEADER) return undefined
  const body = frame.subarray(ANSWER_HEADER)
  const kind = kinds[frame.readUInt8(0)]
  if (kind === 'ready') return { kind }
  if (kind === 'ended') {
    const status = frame.readUInt8(1)
    if (status !== 0 && status !== 1 && status !== 2) return undefined
    return { kind, status, fuel: frame.readBigUInt64BE(2), output: Uint8Array.from(body) }
  }
  if (kind !== 'failed') return undefined
  const [code = '', detail = ''] = body.toString('utf8').split('\n', 2)
  return { kind, code, detail }
}

/**
 * Collects a byte stream into frames.
 *
 * @returns Takes the next bytes; gives the frames they complete, or null when one would be longer than `maxBytes()`.
 */
export function createFrameCollector(maxBytes: () => number): (chunk: Buffer) => Buffer[] | null {
  let chunks: Buffer[] = []
  let length = 0

  /** Bytes of the frame that has begun, its length included; undefined before that is known. */
  function expected(): number | undefined {
    if (length < 4) return undefined
    if ((chunks[0]?.length ?? 0) < 4) chunks = [Buffer.concat(chunks)]
    return 4 + (chunks[0]?.readUInt32BE(0) ?? 0)
  }

  return (chunk) => {
    chunks.push(chunk)
    length += chunk.length
    const frames: Buffer[] = []
    for (let size = expected(); size !== undefined; size = expected()) {
      if (size - 4 > maxBytes()) return null
      if (length < size) break
      const whole = Buffer.concat(chunks)
      frames.push(whole.subarray(4, size))
      chunks = [whole.subarray(size)]
      length -= size
    }
    return frames
  }
}

function bodyOf(answer: AnswerFrame): Uint8Array {
  if (answer.kind === 'ended') return answer.output
  if (answer.kind === 'failed')
    return Buffer.from(`${answer.code}\n${answer.detail.replaceAll('\n', ' ').slice(0, 900)}`)
  return new Uint8Array()
}
