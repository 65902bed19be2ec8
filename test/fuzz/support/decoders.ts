/**
 * The decoders on a chain: the settlement itself, its libraries, and the plain reading.
 *
 * @module
 */
import type { Hex } from 'viem'

import { artifactsIn } from '../../support/artifacts.ts'
import { createScenario, type Scenario } from '../../support/scenario.ts'
import type { FuzzChain } from './fuzz-chain.ts'
import { ask, packed } from './packing.ts'
import { type Settler, takeOver } from './settler.ts'

/** Bytes to decode, and what stands behind them in the call. */
export type Input = { readonly bytes: Uint8Array; readonly behind: Uint8Array }

/** The decoders on a chain. */
export type Decoders = {
  readonly scenario: Scenario
  /** Verdicts of the settlement's libraries and of the plain reading. */
  read(inputs: readonly Input[]): Promise<{ packed: readonly Hex[]; plain: readonly Hex[] }>
  readonly settle: Settler
}

const artifact = artifactsIn('artifacts')

/** Deploys a settlement without deals, with a committee of one, and the probes. */
export async function deployDecoders(chain: FuzzChain): Promise<Decoders> {
  const scenario = await createScenario({ rpc: chain.rpc, artifact, members: 1 })
  const from = scenario.relay.address
  const to = await scenario.create(scenario.deployer, artifact('DecoderProbe'), [])
  return {
    scenario,
    async read(inputs) {
      const args = [packed(inputs.map(({ bytes, behind }) => [bytes, behind])), BigInt(inputs.length)]
      const call = { artifact: artifact('DecoderProbe'), name: 'verdicts', from, to, args }
      const [libraries, plain] = await ask<[Hex[], Hex[]]>(chain, call)
      return { packed: libraries, plain }
    },
    settle: await takeOver(chain, scenario, from, artifact),
  }
}
