/**
 * Named accounts and named keys: tests speak of people, not of indexes.
 *
 * @module
 */
import type { HardhatEthers, HardhatEthersSigner } from '@nomicfoundation/hardhat-ethers/types'
import { type Address, type Hex, keccak256, stringToHex } from 'viem'

import { addressOf, signCompact } from '#protocol/signature.ts'

/** A key that signs protocol messages but sends no transactions. */
export type Signer = { readonly privateKey: Hex; readonly address: Address; sign(digest: Hex): Hex }

/**
 * One funded account of the chain for each name, always the same ones in the same order.
 *
 * @throws Error when there are more names than accounts.
 */
export async function actors<Name extends string>(
  ethers: HardhatEthers,
  ...names: Name[]
): Promise<Record<Name, HardhatEthersSigner>> {
  const signers = await ethers.getSigners()
  if (signers.length < names.length)
    throw new Error(`${names.length} actors asked for, ${signers.length} accounts there`)
  return Object.fromEntries(names.map((name, index) => [name, signers[index]])) as Record<Name, HardhatEthersSigner>
}

/** The key that belongs to `name`; the same name gives the same key in every run. */
export function signerNamed(name: string): Signer {
  const privateKey = keccak256(stringToHex(`tallystick test key: ${name}`))
  return { privateKey, address: addressOf(privateKey), sign: (digest) => signCompact(digest, privateKey) }
}
