/**
 * Settles many batches in one call, each on the same state, through the code that is deployed.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import { fund } from '../../support/rpc.ts'
import type { Artifact, Scenario } from '../../support/scenario.ts'
import type { FuzzChain } from './fuzz-chain.ts'
import { ask, packed } from './packing.ts'
import { blobHashes } from './verdicts.ts'

/** A batch to settle. */
export type SettleInput = {
  readonly bytes: Uint8Array
  /** What stands behind it in the call. */
  readonly behind: Uint8Array
  readonly authority: Uint8Array
  /** Blobs the transaction carries. */
  readonly blobs: number
}

/** How a batch ended. */
export type Ending = {
  readonly ok: boolean
  readonly gasUsed: bigint
  /** The facts, or the error. */
  readonly answer: Hex
}

/** Settles each of the batches as if it were the only one. */
export type Settler = (inputs: readonly SettleInput[]) => Promise<Ending[]>

/** Where the settlement's code goes. */
const CODE: Address = '0x00000000000000000000000000000000000c0de0'

/**
 * Puts the driver in the settlement's place and its code somewhere else; nothing but settling works there afterwards.
 *
 * @param from - Who sends the batches.
 */
export async function takeOver(
  chain: FuzzChain,
  scenario: Scenario,
  from: Address,
  artifact: (name: string) => Artifact,
): Promise<Settler> {
  const { client, rpc, deployment } = scenario
  await fund(rpc, from) // a call that carries blobs must be able to pay for them
  const driver = await scenario.create(scenario.deployer, artifact('SettleDriver'), [])
  const codeAt = async (address: Address): Promise<Hex> => (await client.getCode({ address })) ?? '0x'
  await rpc.request({ method: 'hardhat_setCode', params: [CODE, await codeAt(deployment.settlement)] })
  await rpc.request({ method: 'hardhat_setCode', params: [deployment.settlement, await codeAt(driver)] })

  async function settleWith(inputs: readonly SettleInput[], blobs: number): Promise<Ending[]> {
    const cases = packed(inputs.map(({ bytes, behind, authority }) => [bytes, behind, authority]))
    return await ask<Ending[]>(chain, {
      ...{ artifact: artifact('SettleDriver'), name: 'settleEach', from, to: deployment.settlement },
      args: [CODE, driver, cases, BigInt(inputs.length)],
      blobs: blobHashes(blobs),
    })
  }

  return async (inputs) => {
    const endings = new Map<SettleInput, Ending>()
    for (const [blobs, group] of Map.groupBy(inputs, (input) => input.blobs)) {
      const answers = await settleWith(group, blobs)
      answers.forEach((ending, index) => {
        const input = group[index]
        if (input !== undefined) endings.set(input, ending)
      })
    }
    return inputs.map((input) => endings.get(input) ?? { ok: false, gasUsed: 0n, answer: '0x' })
  }
}
