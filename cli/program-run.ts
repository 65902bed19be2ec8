/**
 * `tally program run`: runs a program as a worker does, in a confined process, and says what the run is worth.
 *
 * @module
 */
import { dataRoot } from '#protocol/merkle.ts'
import { programHash } from '#protocol/vm/elf.ts'
import { REGISTER_A0 } from '#protocol/vm/layout.ts'
import { plainHashOf } from '#protocol/vm/result.ts'
import { parseState, stateHash } from '#protocol/vm/state.ts'
import { createExecutor } from '#runtime/executor.ts'
import type { ProvableExecution } from '#runtime/provable-execution.ts'

import { type Io, toJson } from './io.ts'
import { readBytes, readProgram, writeBytes } from './program-file.ts'

/** Flags of `tally program run`. */
export type RunFlags = { input?: string; maxUnits: number; output?: string; json?: boolean }

const ENDINGS = ['halted', 'trapped', 'out of units'] as const
/** Most bytes of an output that are shown. */
const SHOWN_BYTES = 4_096

function summarise(program: string, { status, output, units, instructions, finalState }: ProvableExecution) {
  const outputRoot = dataRoot(output)
  const hash = stateHash(finalState)
  return {
    program,
    ending: ENDINGS[status],
    exitCode: (parseState(finalState).registers[REGISTER_A0] ?? 0) | 0,
    instructions,
    units,
    output: { bytes: output.length, root: outputRoot },
    finalState: { hash, bytes: `0x${Buffer.from(finalState).toString('hex')}` },
    plainHash: plainHashOf(outputRoot, hash),
  }
}

/** The output as a person would want to see it: text if it is some, else hex. */
function show(output: Uint8Array): string {
  const shown = Buffer.from(output.subarray(0, SHOWN_BYTES))
  const text = shown.toString('utf8').trimEnd()
  const isText = /^[\t\n\r\x20-\x7e\u00a0-\u{10fffd}]*$/u.test(text) && !text.includes('\ufffd')
  const more = output.length > shown.length ? `\n… ${output.length - shown.length} bytes more; see --output` : ''
  return (isText ? text : (shown.toString('hex').match(/.{1,64}/g) ?? []).join('\n')) + more
}

function render(run: ReturnType<typeof summarise>, output: Uint8Array): string {
  const exit = run.ending === 'halted' ? ` with exit code ${run.exitCode}` : ''
  return [
    `${run.ending}${exit} after ${run.instructions.toLocaleString('en')} instructions: ${run.units} unit${run.units === 1n ? '' : 's'}`,
    `program  ${run.program}`,
    `state    ${run.finalState.hash}`,
    `output   ${run.output.root} (${run.output.bytes} bytes)`,
    ...(output.length === 0 ? [] : [show(output)]),
  ].join('\n')
}

/** Runs `tally program run`. */
export async function runCommand(io: Io, file: string, flags: RunFlags): Promise<void> {
  const { elf, image } = await readProgram(file)
  const input = flags.input === undefined ? new Uint8Array() : await readBytes(flags.input)
  const executor = createExecutor()
  try {
    const request = { program: elf, input, maxUnits: BigInt(flags.maxUnits) }
    const execution = await executor.executeProvable(request, { signal: io.signal })
    if (flags.output !== undefined) await writeBytes(flags.output, execution.output)
    const run = summarise(programHash(image), execution)
    io.out(
      flags.json === true ? toJson(run) : render(run, flags.output === undefined ? execution.output : new Uint8Array()),
    )
  } finally {
    await executor.close()
  }
}
