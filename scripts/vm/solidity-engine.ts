/**
 * The provable machine as the chain knows it: every step is executed by the bytecode of the deployed verifier, on an
 * in-process EVM.
 *
 * The verifier sees witnesses and answers with hashes, so memory has to be kept beside it: an interpreter goes along, and
 * a step on which the two differ is an error. What a run comes to is thus what the verifier said, all the way.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { network } from 'hardhat'
import { type Abi, decodeFunctionResult, encodeFunctionData, type Hex } from 'viem'

import { TallyError } from '#protocol/errors.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import type { Machine } from '#protocol/vm/machine.ts'
import { packState, STATUS, stateHash } from '#protocol/vm/state.ts'
import { witnessOf } from '#protocol/vm/witness.ts'
import { toHex } from '#protocol/words.ts'

import { ROOT } from '../support/run.ts'

const ARTIFACT = join(ROOT, 'artifacts/contracts/BisectionReferee.sol/BisectionReferee.json')
/** For deploying: the most that one transaction may use. */
const GAS = '0x1000000'

/** State hashes before and after a step. */
export type ProvenStep = { readonly pre: Hex; readonly post: Hex }

/** The deployed verifier. */
export type Verifier = {
  /**
   * Executes a step.
   *
   * @throws {@link VerifierError} when the bytes are no witness.
   */
  step(witness: Uint8Array): Promise<ProvenStep>
  close(): Promise<void>
}

/** Thrown when the verifier refuses or differs; `code` is `verifier.refused` or `verifier.differs`. */
export class VerifierError extends TallyError {
  override readonly name = 'VerifierError'

  constructor(code: 'verifier.refused' | 'verifier.differs', problem: string, options?: ErrorOptions) {
    super(code, problem, options)
  }
}

/** The verifier out of the build, on an EVM of its own; contracts must be built. */
export async function createVerifier(): Promise<Verifier> {
  const { abi, bytecode }: { abi: Abi; bytecode: Hex } = JSON.parse(readFileSync(ARTIFACT, 'utf8'))
  const connection = await network.create({ network: 'osaka' })
  const { provider } = connection
  const [from] = (await provider.request({ method: 'eth_accounts' })) as Hex[]
  const sent = await provider.request({ method: 'eth_sendTransaction', params: [{ from, data: bytecode, gas: GAS }] })
  const receipt = await provider.request({ method: 'eth_getTransactionReceipt', params: [sent] })
  const { contractAddress: to } = receipt as { contractAddress: Hex }
  return {
    step: async (witness) => {
      const data = encodeFunctionData({ abi, functionName: 'step', args: [toHex(witness)] })
      const call = provider.request({ method: 'eth_call', params: [{ to, data }, 'latest'] })
      const answer = await call.catch((cause: unknown) => {
        throw new VerifierError('verifier.refused', 'the verifier takes this for no witness', { cause })
      })
      const [pre, post] = decodeFunctionResult({ abi, functionName: 'step', data: answer as Hex }) as [Hex, Hex]
      return { pre, post }
    },
    close: async () => await connection.close(),
  }
}

/**
 * Runs a machine up to a number of instructions or its end, step by step on the verifier.
 *
 * @param until - Instructions since the beginning.
 * @param onStep - Told before each step.
 * @returns State hash by the verifier.
 * @throws {@link VerifierError} when verifier and interpreter differ on a step.
 */
export async function runOnVerifier(
  verifier: Verifier,
  machine: Machine,
  until: number,
  onStep: (machine: Machine) => void = () => undefined,
): Promise<Hex> {
  let hash = hashOf(machine)
  while (machine.status === STATUS.running && machine.steps < until) {
    onStep(machine)
    const { pre, post } = await verifier.step(witnessOf(machine))
    interpret(machine, machine.steps + 1)
    const interpreted = hashOf(machine)
    if (pre !== hash || post !== interpreted) {
      const step = `step ${machine.steps} of the run`
      throw new VerifierError('verifier.differs', `${step} leads to ${post} on the verifier, ${interpreted} here`)
    }
    hash = post
  }
  return hash
}

function hashOf(machine: Machine): Hex {
  return stateHash(packState(machine.commit()))
}
