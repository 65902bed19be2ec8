/**
 * Bonds of the committee's members.
 *
 * @module
 */
import { registryAbi } from '#protocol/abi.generated.ts'

import type { Deployment } from '../deploy.ts'
import type { Actor, Chain } from '../network/actor.ts'
import { demoTokenAbi, signPermit } from '../network/permit.ts'

/** Every member names itself as its bond's owner and pays it in. */
export async function bondMembers(options: {
  readonly chain: Chain
  readonly deployment: Deployment
  readonly members: readonly Actor[]
  /** Stake token base units. */
  readonly amount: bigint
}): Promise<void> {
  const { chain, deployment, members, amount } = options
  const { registry, stakeToken } = deployment
  await Promise.all(
    members.map(async (member) => {
      const mint = [member.address, amount] as const
      await member.call({ address: stakeToken, abi: demoTokenAbi, functionName: 'mint', args: mint })
      const named = [member.address, member.address] as const
      await member.call({ address: registry, abi: registryAbi, functionName: 'nameBondOwner', args: named })
      const { client } = chain
      const permit = await signPermit({ client, owner: member, token: stakeToken, spender: registry, amount })
      const args = [member.address, amount, permit] as const
      await member.call({ address: registry, abi: registryAbi, functionName: 'bond', args })
    }),
  )
}
