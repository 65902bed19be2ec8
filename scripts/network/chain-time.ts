/**
 * Makes days pass on a local chain: the protocol's clock takes an hour at most per touch, so it is touched every hour.
 *
 * @module
 */
import { encodeFunctionData, type Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'

import type { LocalNetwork } from './local-network.ts'

const HOUR = 3_600
const TICK_GAS = 100_000n

/** Second on the protocol clock. */
export async function protocolClock(network: LocalNetwork): Promise<number> {
  const { settlement: address } = network.deployment
  return network.client.readContract({ address, abi: settlementAbi, functionName: 'clock' })
}

/** Lets time pass until the protocol clock shows `until`. */
export async function passTime(
  network: LocalNetwork,
  until: number,
  onProgress: (clock: number) => void,
): Promise<void> {
  const { client, anyone, deployment } = network
  // `tick` is permissionless: someone without any role turns the clock
  const data = encodeFunctionData({ abi: settlementAbi, functionName: 'tick' })
  let nonce = await client.getTransactionCount({ address: anyone.address })
  let clock = await protocolClock(network)
  while (clock < until) {
    await request(network, 'evm_increaseTime', [Math.min(HOUR, until - clock)])
    await anyone.wallet.sendTransaction({
      ...{ account: anyone.account, chain: null, to: deployment.settlement, data, gas: TICK_GAS, nonce },
    })
    nonce += 1
    await request(network, 'evm_mine', [])
    clock = await protocolClock(network)
    onProgress(clock)
  }
}

async function request(network: LocalNetwork, method: string, params: readonly unknown[]): Promise<void> {
  await network.client.transport.request({ method, params: [...params] } as { method: Hex; params: unknown[] })
}
