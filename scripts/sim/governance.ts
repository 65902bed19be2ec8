/**
 * Acts of governance, with all the time they take.
 *
 * @module
 */
import { encodeFunctionData, parseAbi, zeroHash } from 'viem'

import { registryAbi } from '#protocol/abi.generated.ts'

import { type Chain, GOVERNOR } from '../bench/chain.ts'
import { TIMELOCK_SECONDS } from '../parameters/local.ts'

const timelockAbi = parseAbi([
  'function schedule(address target, uint256 value, bytes data, bytes32 predecessor, bytes32 salt, uint256 delay)',
  'function execute(address target, uint256 value, bytes data, bytes32 predecessor, bytes32 salt)',
])

/** Sets what a unit of gas is worth, stake token base units: the least slash is 20 times its proof's gas. */
export async function governGasValue(chain: Chain, gasValue: bigint): Promise<void> {
  const { registry, timelock } = chain.deployment
  const governor = await chain.actor(GOVERNOR, 0)
  const own = { address: registry, abi: registryAbi } as const
  const now = await chain.reader.readContract({ ...own, functionName: 'stakingParameters' })
  const data = encodeFunctionData({ ...own, functionName: 'setStakingParameters', args: [{ ...now, gasValue }] })
  const act = [registry, 0n, data, zeroHash, zeroHash] as const
  const scheduled = [...act, BigInt(TIMELOCK_SECONDS)] as const
  const send = (call: `0x${string}`) => chain.send(governor, timelock, call)
  await send(encodeFunctionData({ abi: timelockAbi, functionName: 'schedule', args: scheduled }))
  chain.pass(TIMELOCK_SECONDS)
  await send(encodeFunctionData({ abi: timelockAbi, functionName: 'execute', args: act }))
}
