/**
 * The process that runs provable programs: jobs come in on standard input, answers go out on standard output, nothing else.
 *
 * It ends when its input ends, and not at a signal meant for the terminal it shares: the executor says when it is over. It is
 * started by `sandbox-process.ts` and nowhere else.
 *
 * @module
 */
import { createFrameCollector, encodeAnswer } from './frames.ts'
import { decodeProvableJob } from './provable-frames.ts'
import { createProvableRunner } from './run-provable.ts'

const collect = 'gc' in globalThis && typeof globalThis.gc === 'function' ? globalThis.gc : () => {}
const run = createProvableRunner(() => void collect())
const frames = createFrameCollector(() => 100_663_296)

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})

process.stdin.on('data', (chunk: Buffer) => {
  for (const frame of frames(chunk) ?? []) process.stdout.write(encodeAnswer(run(decodeProvableJob(frame))))
})
process.stdout.write(encodeAnswer({ kind: 'ready' }))
