/**
 * Days of the protocol clock, which takes an hour at most per touch.
 *
 * @module
 */
import { encodeFunctionData } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'

import type { World } from './world.ts'

const HOUR = 3_600
const TICK_GAS = 150_000n

/** Second on the protocol clock. */
export async function clockOf({ client, deployment }: World): Promise<number> {
  const { settlement: address } = deployment
  return await client.readContract({ address, abi: settlementAbi, functionName: 'clock' })
}

/** Lets `seconds` pass on the protocol clock. */
export async function pass(world: World, seconds: number): Promise<void> {
  const { client, anyone, deployment } = world
  const data = encodeFunctionData({ abi: settlementAbi, functionName: 'tick' })
  const until = (await clockOf(world)) + seconds
  let nonce = await client.getTransactionCount({ address: anyone.address, blockTag: 'pending' })
  for (let clock = await clockOf(world); clock < until; clock = await clockOf(world)) {
    await request(world, 'evm_increaseTime', [Math.min(HOUR, until - clock)])
    await anyone.wallet.sendTransaction({
      ...{ account: anyone.account, chain: null, to: deployment.settlement, data, gas: TICK_GAS, nonce },
    })
    nonce += 1
    await request(world, 'evm_mine', [])
  }
}

type Method = { Method: string; Parameters: readonly unknown[]; ReturnType: unknown }

async function request({ client }: World, method: string, params: readonly unknown[]): Promise<void> {
  await client.request<Method>({ method, params })
}
