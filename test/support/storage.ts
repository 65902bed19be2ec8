/**
 * Puts the settlement into states that no call can reach, slot by slot (test/snapshots/Settlement.json).
 *
 * @module
 */
import type { NetworkHelpers } from '@nomicfoundation/hardhat-network-helpers/types'
import { encodeAbiParameters, type Hex, keccak256 } from 'viem'

import type { Deployment } from './deployment.ts'

const DEALS_SLOT = 8n
const RING_SLOT = 18n
const METER_OFFSET = 2n // within a deal
const MODE_SHIFT = 178n // within the meter
const MODE_MASK = 3n << MODE_SHIFT
const INTERVALS = 512

const mapped = (key: number, slot: bigint): bigint =>
  BigInt(keccak256(encodeAbiParameters([{ type: 'uint256' }, { type: 'uint256' }], [BigInt(key), slot])))

const word = (value: bigint): Hex => `0x${value.toString(16).padStart(64, '0')}`

/** Turns a deal into one of another mode. */
export async function setDealMode(
  helpers: NetworkHelpers,
  { ethers, settlement }: Deployment,
  id: number,
  mode: bigint,
): Promise<void> {
  const address = await settlement.getAddress()
  const slot = mapped(id, DEALS_SLOT) + METER_OFFSET
  const meter = BigInt(await ethers.provider.getStorage(address, slot))
  await helpers.setStorageAt(address, slot, word((meter & ~MODE_MASK) | (mode << MODE_SHIFT)))
}

/** Makes it look as if `count` batches had settled in an interval. */
export async function setIntervalCount(
  helpers: NetworkHelpers,
  { settlement }: Deployment,
  interval: number,
  count: number,
): Promise<void> {
  const slot = mapped(interval % INTERVALS, RING_SLOT)
  await helpers.setStorageAt(await settlement.getAddress(), slot, word((BigInt(interval) << 16n) | BigInt(count)))
}
