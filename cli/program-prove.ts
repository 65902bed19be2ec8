/**
 * `tally program prove`: the witness of one instruction of a run, as the chain's one-step verifier takes it, and checked.
 *
 * @module
 */
import { type Address, type Hex, parseAbi } from 'viem'

import { decode, OP } from '#protocol/vm/decode.ts'
import { CODE_BASE } from '#protocol/vm/layout.ts'
import { parseState, STATUS, stateHash } from '#protocol/vm/state.ts'
import { verifyStep } from '#protocol/vm/verify-step.ts'
import { createExecutor } from '#runtime/executor.ts'

import { connect, reasonOf } from './chain.ts'
import { CliError } from './errors.ts'
import { type Io, toJson } from './io.ts'
import { readBytes, readProgram, writeBytes } from './program-file.ts'

/** Flags of `tally program prove`. */
export type ProveFlags = {
  input?: string
  step: number
  output?: string
  rpc?: string
  verifier?: Address
  json?: boolean
}

type Proof = {
  readonly step: number
  readonly instruction: string
  readonly pc: Hex
  readonly before: Hex
  readonly after: Hex
  readonly witnessBytes: number
  /** Who verified it. */
  readonly verifiedBy: string
  readonly witness: Hex
}

const nameOf = (op: number): string =>
  Object.entries(OP)
    .find(([, number]) => number === op)?.[0]
    .toLowerCase() ?? 'illegal'

const verifierAbi = parseAbi(['function step(bytes witness) pure returns (bytes32 pre, bytes32 post)'])

/** Asks the chain's verifier for what the witness proves; its twin here when no chain is named. */
async function verify(witness: Uint8Array, { rpc, verifier }: ProveFlags): Promise<{ pre: Hex; post: Hex }> {
  if (rpc === undefined && verifier === undefined) return verifyStep(witness)
  if (rpc === undefined || verifier === undefined) {
    throw new CliError(
      'cli.bad-argument',
      'name both --rpc (a chain) and --verifier (its one-step verifier), or neither',
    )
  }
  const args = [`0x${Buffer.from(witness).toString('hex')}`] as const
  try {
    const call = { address: verifier, abi: verifierAbi, functionName: 'step', args } as const
    const [pre, post] = await connect(rpc).readContract(call)
    return { pre, post }
  } catch (error) {
    throw new CliError('cli.not-verified', `the verifier at ${verifier} did not answer: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}

/** What the witness proves has to be what the run does; both are computed apart from each other. */
function check(proven: { pre: Hex; post: Hex }, [before, after]: readonly Hex[]): void {
  if (proven.pre === before && proven.post === after) return
  const what = `it leads from ${proven.pre} to ${proven.post}, the run from ${before} to ${after}`
  throw new CliError('cli.wrong-witness', `the witness does not prove the step: ${what}`)
}

function render(proof: Proof, file: string | undefined): string {
  return [
    `step ${proof.step}: ${proof.instruction} at ${proof.pc}`,
    `before   ${proof.before}`,
    `after    ${proof.after}`,
    `witness  ${proof.witnessBytes} bytes${file === undefined ? '' : ` in ${file}`}; verified by ${proof.verifiedBy}`,
    ...(file === undefined ? [proof.witness] : []),
  ].join('\n')
}

/** Runs `tally program prove`. */
export async function proveCommand(io: Io, file: string, flags: ProveFlags): Promise<void> {
  const { elf, image } = await readProgram(file)
  const input = flags.input === undefined ? new Uint8Array() : await readBytes(flags.input)
  const run = { program: elf, input }
  const executor = createExecutor()
  try {
    const step = BigInt(flags.step)
    const states = await executor.traceStates({ ...run, steps: [step, step + 1n] }, { signal: io.signal })
    const [before] = states.map(parseState)
    if (before === undefined || before.status !== STATUS.running) {
      throw new CliError(
        'cli.no-such-step',
        `the run ends after ${before?.steps ?? 0} instructions, there is no step ${step}`,
      )
    }
    const witness = await executor.witnessAt({ ...run, step }, { signal: io.signal })
    const proven = await verify(witness, flags)
    check(proven, states.map(stateHash))
    if (flags.output !== undefined) await writeBytes(flags.output, witness)
    const code = new DataView(image.code.buffer, image.code.byteOffset, image.code.length)
    const offset = before.pc - CODE_BASE
    const isCode = offset >= 0 && offset + 4 <= image.code.length
    const proof: Proof = {
      step: flags.step,
      instruction: isCode ? nameOf(decode(code.getUint32(offset, true)).op) : 'nothing to fetch',
      pc: `0x${before.pc.toString(16)}`,
      before: proven.pre,
      after: proven.post,
      witnessBytes: witness.length,
      verifiedBy: flags.verifier === undefined ? 'the verifier’s twin in TypeScript' : `contract ${flags.verifier}`,
      witness: `0x${Buffer.from(witness).toString('hex')}`,
    }
    io.out(flags.json === true ? toJson(proof) : render(proof, flags.output))
  } finally {
    await executor.close()
  }
}
