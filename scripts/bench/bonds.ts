/**
 * Bonds of the committee's members, which bound what net batches may move.
 *
 * @module
 */
import { encodeFunctionData } from 'viem'

import { demoStakeAbi, registryAbi } from '#protocol/abi.generated.ts'

import { type Chain, COMMITTEE } from './chain.ts'
import { signPermit } from './permits.ts'

/** Lets every member of the committee bond `amount` stake token base units. */
export async function bondMembers(chain: Chain, amount: bigint): Promise<void> {
  const owner = await chain.actor('bonder', 0)
  const { registry, stakeToken } = chain.deployment
  const total = amount * BigInt(COMMITTEE.members) + 1n
  const mint = encodeFunctionData({ abi: demoStakeAbi, functionName: 'mint', args: [owner.address, total] })
  await chain.send(owner, stakeToken, mint)
  for (let index = 0; index < COMMITTEE.members; index += 1) {
    const member = await chain.actor('member', index)
    const named = [member.address, owner.address] as const
    const name = encodeFunctionData({ abi: registryAbi, functionName: 'nameBondOwner', args: named })
    await chain.send(member, registry, name)
    const permit = await signPermit(chain, owner, stakeToken, registry, amount)
    const args = [member.address, amount, permit] as const
    await chain.send(owner, registry, encodeFunctionData({ abi: registryAbi, functionName: 'bond', args }))
  }
}
