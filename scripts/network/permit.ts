/**
 * EIP-2612 permits, so that joining and depositing are one transaction.
 *
 * @module
 */
import { type Address, type Hex, type PublicClient, parseAbi, parseSignature } from 'viem'

import type { Actor } from './actor.ts'

/** The functions of the demo tokens that the demo uses. */
export const demoTokenAbi = parseAbi([
  'function name() view returns (string)',
  'function nonces(address owner) view returns (uint256)',
  'function mint(address to, uint256 amount)',
])

/** A permit as the contracts take it. */
export type Permit = { readonly deadline: bigint; readonly v: number; readonly r: Hex; readonly s: Hex }

/** Signs a permit that is good for a day of the chain's time. */
export async function signPermit(options: {
  readonly client: PublicClient
  readonly owner: Actor
  readonly token: Address
  readonly spender: Address
  readonly amount: bigint
}): Promise<Permit> {
  const { client, owner, token, spender, amount } = options
  const contract = { address: token, abi: demoTokenAbi } as const
  const [name, nonce, chainId, { timestamp }] = await Promise.all([
    client.readContract({ ...contract, functionName: 'name' }),
    client.readContract({ ...contract, functionName: 'nonces', args: [owner.address] }),
    client.getChainId(),
    client.getBlock(),
  ])
  const deadline = timestamp + 86_400n
  const signature = await owner.wallet.signTypedData({
    account: owner.account,
    domain: { name, version: '1', chainId, verifyingContract: token },
    types: {
      Permit: [
        { name: 'owner', type: 'address' },
        { name: 'spender', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'nonce', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
      ],
    },
    primaryType: 'Permit',
    message: { owner: owner.address, spender, value: amount, nonce, deadline },
  })
  const { r, s, yParity } = parseSignature(signature)
  return { deadline, v: 27 + yParity, r, s }
}
