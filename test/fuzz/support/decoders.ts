/**
 * The decoders on a chain: the settlement itself, its libraries, and the plain reading.
 *
 * @module
 */
import { type Abi, type Address, decodeFunctionResult, encodeFunctionData, type Hex } from 'viem'

import { signerNamed } from '../../support/actors.ts'
import { artifactsIn } from '../../support/artifacts.ts'
import { PARAMETERS } from '../../support/deployment.ts'
import { clientOf } from '../../support/rpc.ts'
import { createSender } from '../../support/sender.ts'
import type { FuzzChain } from './fuzz-chain.ts'
import { blobHashes } from './verdicts.ts'

/** Bytes to decode, and what stands behind them in the call. */
export type Input = { readonly bytes: Uint8Array; readonly behind: Uint8Array }

/** A batch to settle. */
export type SettleInput = Input & {
  readonly authority: Uint8Array
  /** Blobs the transaction carries. */
  readonly blobs: number
}

/** How a batch ended: the hash of its facts, or the selector of its error. */
export type Settled = { readonly verdict: Hex; readonly gas: number }

/** The decoders on a chain. */
export type Decoders = {
  readonly chainId: number
  readonly committee: Address
  /** Verdicts of the settlement's libraries and of the plain reading. */
  read(inputs: readonly Input[]): Promise<{ packed: readonly Hex[]; plain: readonly Hex[] }>
  /** Settles each of them on the same state. */
  settle(inputs: readonly SettleInput[]): Promise<Settled[]>
}

/** The only committee member. */
export const MEMBER = signerNamed('member')

const artifact = artifactsIn('artifacts')

/** Deploys a settlement without deals and the probes. */
export async function deployDecoders(chain: FuzzChain): Promise<Decoders> {
  const { rpc } = chain
  const client = clientOf(rpc)
  const chainId = await client.getChainId()
  const sender = createSender(rpc, client, chainId)
  const { privateKey, address } = signerNamed('deployer')
  const deployer = { name: 'deployer', key: privateKey, address }
  const anybody = deployer.address
  const deploy = async (name: string, args: readonly unknown[] = []): Promise<Address> =>
    await sender.deploy(deployer, artifact(name), args)
  const bind = async (contract: string, at: Address, to: Address): Promise<void> => {
    const data = encodeFunctionData({ abi: artifact(contract).abi, functionName: 'bind', args: [to] })
    await sender.send(deployer, at, data)
  }

  const registry = await deploy('Registry', [anybody, await deploy('DemoStake')])
  const desk = await deploy('Desk', [anybody, await deploy('DemoDollar'), registry, anybody])
  const seat = { signer: MEMBER.address, endpoint: 'http://127.0.0.1:1' }
  const committee = await deploy('Committee', [anybody, 0, [seat], 1])
  const settlement = await deploy('Settlement', [desk, committee, PARAMETERS, anybody, anybody])
  await bind('Registry', registry, settlement)
  await bind('Committee', committee, settlement)
  const probe = await deploy('DecoderProbe')
  const driver = await deploy('SettleDriver')

  // the driver in the settlement's place, the settlement's code somewhere else
  const code: Address = '0x00000000000000000000000000000000000c0de0'
  await rpc.request({ method: 'hardhat_setCode', params: [code, await client.getCode({ address: settlement })] })
  await rpc.request({ method: 'hardhat_setCode', params: [settlement, await client.getCode({ address: driver })] })

  async function ask<Answer>(name: string, functionName: string, to: Address, call: Call): Promise<Answer> {
    const { abi }: { abi: Abi } = artifact(name)
    const data = encodeFunctionData({ abi, functionName, args: call.args })
    const answer = await chain.call({ from: anybody, to, data, blobs: blobHashes(call.blobs ?? 0) })
    return decodeFunctionResult({ abi, functionName, data: answer }) as Answer
  }

  async function settleWith(inputs: readonly SettleInput[], blobs: number): Promise<Settled[]> {
    const args = [code, driver, packed(inputs.map(partsToSettle)), BigInt(inputs.length)]
    const answer = await ask<[Hex[], bigint[]]>('SettleDriver', 'settleEach', settlement, { args, blobs })
    return answer[0].map((verdict, index) => ({ verdict, gas: Number(answer[1][index]) }))
  }

  return {
    chainId,
    committee,
    async read(inputs) {
      const args = [packed(inputs.map(({ bytes, behind }) => [bytes, behind])), BigInt(inputs.length)]
      const [libraries, plain] = await ask<[Hex[], Hex[]]>('DecoderProbe', 'verdicts', probe, { args })
      return { packed: libraries, plain }
    },
    async settle(inputs) {
      const settled = new Map<SettleInput, Settled>()
      for (const [blobs, group] of Map.groupBy(inputs, (input) => input.blobs)) {
        const answers = await settleWith(group, blobs)
        for (const [index, input] of group.entries()) settled.set(input, answers[index] ?? { verdict: '0x', gas: 0 })
      }
      return inputs.map((input) => settled.get(input) ?? { verdict: '0x', gas: 0 })
    },
  }
}

type Call = { readonly args: readonly unknown[]; readonly blobs?: number }

const partsToSettle = ({ bytes, behind, authority }: SettleInput): Uint8Array[] => [bytes, behind, authority]

/** Each case's parts, their lengths (4 bytes each) before them. */
function packed(cases: readonly Uint8Array[][]): Hex {
  const parts = cases.flatMap((one) => {
    const lengths = Buffer.alloc(4 * one.length)
    one.forEach((part, index) => lengths.writeUInt32BE(part.length, 4 * index))
    return [lengths, ...one]
  })
  return `0x${Buffer.concat(parts).toString('hex')}`
}
