/**
 * EIP-2612 permits of the demo tokens.
 *
 * @module
 */
import { type Address, erc20Abi, type PrivateKeyAccount, parseAbi, parseSignature } from 'viem'

import type { Chain } from './chain.ts'

/** A permit as the contracts take it. */
export type Permit = {
  readonly deadline: bigint
  readonly v: number
  readonly r: `0x${string}`
  readonly s: `0x${string}`
}

const DEADLINE = 4_000_000_000n // year 2096
const PERMIT_TYPES = {
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const
const nonceAbi = parseAbi(['function nonces(address owner) view returns (uint256)'])

/** Signs that `spender` may take `value` of `token` from `owner`. */
export async function signPermit(
  chain: Chain,
  owner: PrivateKeyAccount,
  token: Address,
  spender: Address,
  value: bigint,
): Promise<Permit> {
  const { reader, chainId } = chain
  const [name, nonce] = await Promise.all([
    reader.readContract({ address: token, abi: erc20Abi, functionName: 'name' }),
    reader.readContract({ address: token, abi: nonceAbi, functionName: 'nonces', args: [owner.address] }),
  ])
  const signature = await owner.signTypedData({
    domain: { name, version: '1', chainId, verifyingContract: token },
    types: PERMIT_TYPES,
    primaryType: 'Permit',
    message: { owner: owner.address, spender, value, nonce, deadline: DEADLINE },
  })
  const { r, s, yParity } = parseSignature(signature)
  return { deadline: DEADLINE, v: 27 + yParity, r, s }
}
