/**
 * Gas of proving steps and of whole disputes about provable work, on the deployed contracts.
 *
 * @module
 */
import { encodeFunctionData } from 'viem'

import { bisectionRefereeAbi } from '#protocol/abi.generated.ts'
import { witnessOf } from '#protocol/vm/witness.ts'
import { toHex } from '#protocol/words.ts'

import { createScene, type Party } from '../../sim/scene.ts'
import { type Chain, openChain } from '../chain.ts'
import { createRandom } from '../random.ts'
import { type DisputeGas, dispute } from './dispute.ts'
import { densest, machineAmidWork, STEPS } from './dispute-runs.ts'

/** What was measured, gas of whole transactions. */
export type VmGas = {
  readonly aluStep: number
  /** The dearer one of a load and a store. */
  readonly memoryStep: number
  /** A store with every sibling of both trees. */
  readonly densestStep: number
  /** Of a run of 2^27 steps, and of 2^40. */
  readonly dispute27: DisputeGas
  readonly dispute40: DisputeGas
  /** Of 2^27 steps, the very first dispute of a deployment. */
  readonly first27: DisputeGas
}

const SEED = 20_261_123

/** Measures everything on a chain of its own; contracts must be built. */
export async function measureVmGas(): Promise<VmGas> {
  const chain = await openChain({ fork: 'osaka', client: 'edr', seed: SEED })
  try {
    const random = createRandom(SEED, 'machine')
    const [alu, load, store] = [STEPS.alu, STEPS.load, STEPS.store].map((word) => machineAmidWork(random, word))
    if (alu === undefined || load === undefined || store === undefined) throw new Error('there are three machines')
    const scene = await createScene(chain, SEED)
    const stepGas = async (witness: Uint8Array) => await gasOfStep(chain, scene.anyone, witness)
    const storing = witnessOf(store.machine)
    return {
      aluStep: await stepGas(witnessOf(alu.machine)),
      memoryStep: Math.max(await stepGas(witnessOf(load.machine)), await stepGas(storing)),
      densestStep: await stepGas(densest(storing, random)),
      first27: await dispute(scene, 'first', store, 2n ** 27n),
      dispute27: await dispute(scene, 'second', store, 2n ** 27n),
      dispute40: await dispute(scene, 'third', store, 2n ** 40n),
    }
  } finally {
    await chain.close()
  }
}

async function gasOfStep(chain: Chain, { account }: Party, witness: Uint8Array): Promise<number> {
  const data = encodeFunctionData({ abi: bisectionRefereeAbi, functionName: 'step', args: [toHex(witness)] })
  const { gas } = await chain.send(account, chain.deployment.bisectionReferee, data)
  return Number(gas)
}
