/**
 * What the committee's attestation adds to a batch.
 *
 * @module
 */
import hre from 'hardhat'
import { encodeDeployData, encodeFunctionData, type Hex, hexToBytes, parseEventLogs, toHex, zeroHash } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { Claim, encodeAttestation } from '#protocol/attestation.ts'

import { must } from './books.ts'
import { type Chain, COMMITTEE, storageAt } from './chain.ts'

/** More than the settlement's layout has. */
const LAYOUT_SLOTS = 64n
/** Gas of a byte of input. Source: EIP-2028. */
const BYTE_GAS = { zero: 4, other: 16 } as const
/** An epoch's word: number from bit 224, page's address from 64, threshold from 56. */
const PAGE_BIT = 64n
const THRESHOLD_BIT = 56n
const ADDRESS = (1n << 160n) - 1n

/**
 * Gas of the whole check: what a batch takes less under an epoch that needs no signature and with an attestation that
 * has none, and all that is left of the check then. That is the attestation's nine bytes and what the settlement's own
 * code (`Epochs`) does with them: reading the epoch and its members' page, hashing what they sign, and finding nothing.
 *
 * @param settle - Settles the same batch with a committee's attestation, or one with no signature.
 */
export async function measureAttestation(
  chain: Chain,
  settle: (authority: 'committee' | 'nobody') => Promise<bigint>,
): Promise<number> {
  const epoch = await currentEpoch(chain)
  const unchecked = await chain.undone(async () => {
    await needNoSignature(chain, epoch)
    return settle('nobody')
  })
  const rest = await chain.undone(() => uncheckedRest(chain, epoch))
  return Number((await settle('committee')) - unchecked) + rest
}

async function currentEpoch({ reader, deployment }: Chain): Promise<bigint> {
  const [epoch] = await reader.readContract({
    ...{ address: deployment.settlement, abi: settlementAbi, functionName: 'epochs' },
  })
  return epoch
}

/** Sets the current epoch's threshold to 0. */
async function needNoSignature(chain: Chain, epoch: bigint): Promise<void> {
  const address = chain.deployment.settlement
  for (let slot = 0n; slot < LAYOUT_SLOTS; slot += 1n) {
    if ((await storageAt(chain, address, slot)) !== epoch) continue
    return chain.setStorage(address, slot, toHex(epoch & ~(0xffn << THRESHOLD_BIT), { size: 32 }))
  }
  throw new Error('the epoch stands in no slot of its own')
}

/** Gas of checking an attestation without signatures, its bytes included; measured from within. */
async function uncheckedRest(chain: Chain, epoch: bigint): Promise<number> {
  const { abi, bytecode } = await hre.artifacts.readArtifact('EpochsProbe')
  const starter = await chain.actor('starter', 0)
  const code = encodeDeployData({ abi, bytecode: bytecode as Hex, args: [starter.address] })
  const { contractAddress } = (await chain.send(starter, null, code)).receipt
  if (contractAddress == null) throw new Error('the probe was not created')
  const page = toHex((epoch >> PAGE_BIT) & ADDRESS, { size: 20 })
  const start = [1, page, 0, COMMITTEE.members, 0] as const
  await chain.send(starter, contractAddress, encodeFunctionData({ abi, functionName: 'startEpoch', args: start }))
  const attestation = encodeAttestation({
    epoch: 1,
    claims: Claim.Tallies | Claim.ReExecuted | Claim.Retrievable,
    signatures: [],
  })
  const data = encodeFunctionData({ abi, functionName: 'settle', args: [zeroHash, attestation] })
  const { receipt } = await chain.send(starter, contractAddress, data)
  const [event] = parseEventLogs({ abi, eventName: 'Verified', logs: receipt.logs })
  must(event !== undefined, 'the probe says nothing')
  return Number(gasOf(event?.args)) + bytesGas(attestation)
}

function gasOf(args: unknown): bigint {
  if (typeof args === 'object' && args !== null && 'gas' in args && typeof args.gas === 'bigint') return args.gas
  throw new Error('the probe says no gas')
}

function bytesGas(bytes: Hex): number {
  return hexToBytes(bytes).reduce((sum, byte) => sum + (byte === 0 ? BYTE_GAS.zero : BYTE_GAS.other), 0)
}
