/**
 * Signs, sends and waits: one transaction at a time, nonces counted here.
 *
 * @module
 */
import { type Address, encodeDeployData, getContractAddress, type Hex, keccak256, type PublicClient } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { fund, type Rpc } from './rpc.ts'
import type { Actor, Artifact, Mined } from './scenario.ts'

const GAS = 16_000_000n

/** Sends for everybody on one chain. */
export function createSender(rpc: Rpc, client: PublicClient, chainId: number) {
  const nonces = new Map<Address, number>()

  async function submit(actor: Actor, to: Address | null, data: Hex, value = 0n): Promise<Mined> {
    if (!nonces.has(actor.address)) await fund(rpc, actor.address)
    const nonce = nonces.get(actor.address) ?? 0
    nonces.set(actor.address, nonce + 1)
    const serialized = await privateKeyToAccount(actor.key).signTransaction({
      chainId,
      nonce,
      to,
      data,
      value,
      gas: GAS,
      maxFeePerGas: 10n ** 11n,
      maxPriorityFeePerGas: 10n ** 9n,
      type: 'eip1559',
    })
    const hash = keccak256(serialized)
    try {
      await rpc.request({ method: 'eth_sendRawTransaction', params: [serialized] })
    } catch (error) {
      // in-process chains answer a reverting transaction with an error although they mine it
      const receipt = await rpc.request({ method: 'eth_getTransactionReceipt', params: [hash] })
      if (receipt === null) throw error
    }
    const receipt = await client.waitForTransactionReceipt({ hash, pollingInterval: 20 })
    return {
      hash,
      block: Number(receipt.blockNumber),
      succeeded: receipt.status === 'success',
      gasUsed: receipt.gasUsed,
      logs: receipt.logs,
    }
  }

  /** Sends and expects success. */
  async function send(actor: Actor, to: Address | null, data: Hex): Promise<Mined> {
    const mined = await submit(actor, to, data)
    if (mined.succeeded) return mined
    const reason = await client.call({ account: actor.address, ...(to === null ? {} : { to }), data }).then(
      () => 'no reason when called again',
      (error: unknown) => String(error),
    )
    throw new Error(`${actor.name}'s transaction ${mined.hash} failed: ${reason}`)
  }

  async function deploy(deployer: Actor, { abi, bytecode }: Artifact, args: readonly unknown[]): Promise<Address> {
    const nonce = BigInt(nonces.get(deployer.address) ?? 0)
    await send(deployer, null, encodeDeployData({ abi, bytecode, args }))
    return getContractAddress({ from: deployer.address, nonce })
  }

  return { submit, send, deploy }
}
