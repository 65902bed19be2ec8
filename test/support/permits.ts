/**
 * Signed ways to pay in: EIP-2612, EIP-3009 and Permit2.
 *
 * @module
 */
import type { HardhatEthersSigner } from '@nomicfoundation/hardhat-ethers/types'
import { Signature } from 'ethers'
import { type Address, encodeAbiParameters, type Hex, keccak256 } from 'viem'

import type { Deployment } from './deployment.ts'

/** Far enough for every test. */
export const LATE = 2n ** 40n

type Vrs = { deadline: bigint; v: number; r: string; s: string }

const words = (signature: string, deadline: bigint): Vrs => {
  const { v, r, s } = Signature.from(signature)
  return { deadline, v, r, s }
}

async function tokenDomain(deployment: Deployment, token: 'dollar' | 'stake') {
  const { ethers } = deployment
  const name = token === 'dollar' ? 'Demo Dollar' : 'Demo Stake'
  const { chainId } = await ethers.provider.getNetwork()
  return { name, version: '1', chainId, verifyingContract: await deployment[token].getAddress() }
}

/** `owner`'s EIP-2612 permit of `value` for the settlement (dollars) or the registry (stake). */
export async function permitOf(
  deployment: Deployment,
  owner: HardhatEthersSigner,
  value: bigint,
  token: 'dollar' | 'stake' = 'dollar',
  deadline: bigint = LATE,
): Promise<Vrs> {
  const spender = await (token === 'dollar' ? deployment.settlement : deployment.registry).getAddress()
  const nonce = await deployment[token].nonces(owner)
  const fields = ['owner', 'spender'].map((name) => ({ name, type: 'address' }))
  const numbers = ['value', 'nonce', 'deadline'].map((name) => ({ name, type: 'uint256' }))
  const message = { owner: owner.address, spender, value, nonce, deadline }
  const signed = await owner.signTypedData(
    await tokenDomain(deployment, token),
    { Permit: [...fields, ...numbers] },
    message,
  )
  return words(signed, deadline)
}

/** The nonce that binds an EIP-3009 authorization to the buyer it credits. */
export function authorizationNonce(buyer: string, salt: Hex): Hex {
  return keccak256(encodeAbiParameters([{ type: 'address' }, { type: 'bytes32' }], [buyer as Address, salt]))
}

/** `from`'s EIP-3009 authorization of `value` for the settlement, good for crediting `buyer` only. */
export async function authorizationOf(
  deployment: Deployment,
  from: HardhatEthersSigner,
  { value, buyer, salt, validBefore = LATE }: { value: bigint; buyer: string; salt: Hex; validBefore?: bigint },
): Promise<Vrs> {
  const to = await deployment.settlement.getAddress()
  const accounts = ['from', 'to'].map((name) => ({ name, type: 'address' }))
  const numbers = ['value', 'validAfter', 'validBefore'].map((name) => ({ name, type: 'uint256' }))
  const fields = [...accounts, ...numbers, { name: 'nonce', type: 'bytes32' }]
  const message = { from: from.address, to, value, validAfter: 0n, validBefore, nonce: authorizationNonce(buyer, salt) }
  const signed = await from.signTypedData(
    await tokenDomain(deployment, 'dollar'),
    { ReceiveWithAuthorization: fields },
    message,
  )
  return words(signed, 0n)
}

/** `from`'s Permit2 witness transfer of `amount` to the settlement, good for crediting `buyer` only. */
export async function permit2Of(
  deployment: Deployment,
  from: HardhatEthersSigner,
  { amount, buyer, nonce, deadline = LATE }: { amount: bigint; buyer: string; nonce: bigint; deadline?: bigint },
): Promise<string> {
  const { ethers, permit2, dollar, settlement } = deployment
  const { chainId } = await ethers.provider.getNetwork()
  const domain = { name: 'Permit2', chainId, verifyingContract: await permit2.getAddress() }
  const types = {
    PermitWitnessTransferFrom: [
      { name: 'permitted', type: 'TokenPermissions' },
      { name: 'spender', type: 'address' },
      { name: 'nonce', type: 'uint256' },
      { name: 'deadline', type: 'uint256' },
      { name: 'witness', type: 'Deposit' },
    ],
    TokenPermissions: [
      { name: 'token', type: 'address' },
      { name: 'amount', type: 'uint256' },
    ],
    Deposit: [{ name: 'buyer', type: 'address' }],
  }
  return await from.signTypedData(domain, types, {
    permitted: { token: await dollar.getAddress(), amount },
    spender: await settlement.getAddress(),
    nonce,
    deadline,
    witness: { buyer },
  })
}
