/**
 * Members of every epoch of the committee, and where the present ones are reached.
 *
 * @module
 */
import type { Address, PublicClient } from 'viem'

import { committeeAbi } from '#protocol/abi.generated.ts'

/** Reads epochs. */
export type Committees = {
  /** Keys of an epoch's members, in their order. */
  readAll(): Promise<(epoch: number) => readonly Address[]>
  /** Base URLs of the present members. */
  endpoints(): Promise<readonly string[]>
}

/** Creates the reader of one committee contract. */
export function createCommittees(client: PublicClient, address: Address): Committees {
  const own = { address, abi: committeeAbi } as const
  const signers = new Map<number, readonly Address[]>()

  async function membersOf(epoch: number) {
    const [, members] = await client.readContract({ ...own, functionName: 'committee', args: [epoch] })
    return members
  }

  return {
    async readAll() {
      const current = await client.readContract({ ...own, functionName: 'currentEpoch' })
      for (let epoch = current; epoch > 0 && !signers.has(epoch); epoch -= 1) {
        signers.set(
          epoch,
          (await membersOf(epoch)).map(({ signer }) => signer),
        )
      }
      return (epoch) => signers.get(epoch) ?? []
    },

    async endpoints() {
      const members = await membersOf(await client.readContract({ ...own, functionName: 'currentEpoch' }))
      return members.map(({ endpoint }) => endpoint.replace(/\/+$/, '')).filter((endpoint) => URL.canParse(endpoint))
    },
  }
}
