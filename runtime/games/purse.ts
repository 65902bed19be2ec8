/**
 * Lets a court take the bonds that moves need, no more than that, and takes back what it owes.
 *
 * @module
 */
import { type Address, encodeFunctionData, type PublicClient, parseAbi } from 'viem'

import { disputesAbi } from '#protocol/abi.generated.ts'

import type { Sender } from '../act-sender.ts'

const tokenAbi = parseAbi([
  'function approve(address spender, uint256 amount) returns (bool)',
  'function allowance(address owner, address spender) view returns (uint256)',
  'function balanceOf(address owner) view returns (uint256)',
])

/** Money of one key. */
export type Purse = {
  /** Whether the court may take `amount` now; otherwise it is on its way, or cannot be had. */
  allows(amount: bigint): Promise<boolean>
  /** What the key has, settlement token base units. */
  balance(): Promise<bigint>
  /** What the court owes the key. */
  owed(): Promise<bigint>
  /** Has paid out what the court owes, if anything. */
  collect(): Promise<void>
}

/** Creates the purse of a sender's key. */
export function createPurse(options: {
  readonly client: PublicClient
  readonly sender: Pick<Sender, 'address' | 'insist'>
  readonly token: Address
  readonly court: Address
}): Purse {
  const { client, sender, token, court } = options
  const owner = sender.address
  const own = { address: token, abi: tokenAbi } as const
  const owed = async () =>
    await client.readContract({ address: court, abi: disputesAbi, functionName: 'owed', args: [owner] })

  return {
    owed,
    balance: async () => await client.readContract({ ...own, functionName: 'balanceOf', args: [owner] }),

    async allows(amount) {
      const allowed = await client.readContract({ ...own, functionName: 'allowance', args: [owner, court] })
      if (allowed >= amount) return true
      const data = encodeFunctionData({ abi: tokenAbi, functionName: 'approve', args: [court, amount] })
      await sender.insist({ name: `approve ${amount} for ${court}`, to: token, data })
      return false
    },

    async collect() {
      const amount = await owed()
      if (amount === 0n) return
      const data = encodeFunctionData({ abi: disputesAbi, functionName: 'withdraw', args: [owner] })
      await sender.insist({ name: `withdraw ${amount} from ${court}`, to: court, data })
    },
  }
}
