/**
 * Reads the settlement's packed words, and puts it into states that no call can reach, slot by slot.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import type { NetworkHelpers } from '@nomicfoundation/hardhat-network-helpers/types'
import { encodeAbiParameters, type Hex, keccak256 } from 'viem'

import type { Deployment } from './deployment.ts'

const INTERVALS = 512
const TERMS_OFFSET = 1n // within a deal
const MODE_SHIFT = 50n // within the terms
const MODE_MASK = 3n << MODE_SHIFT
const ISSUED = 4n // flag of a wheel
const CELL_BITS = 64n
const INLINE = 2 // streams of a deal that share a word with another deal's
const CELLS_PER_WORD = 4
const CELL = (1n << CELL_BITS) - 1n
const DAY_BITS = 16n

/** Layout of a contract, which `npm run check` holds against the compiler's. */
export type Layout = { storage: string[]; structs: Record<string, string[]> }

/** Layout of a contract as committed. */
export function layoutOf(name: string): Layout {
  return JSON.parse(readFileSync(new URL(`../snapshots/${name}.json`, import.meta.url), 'utf8'))
}

/** Slot of one of the settlement's variables. */
function slotOf(variable: string): bigint {
  const line = layoutOf('Settlement').storage.find((entry) => entry.endsWith(` ${variable}`))
  const slot = line?.match(/^slot (\d+) byte 0:/)?.[1]
  if (slot === undefined) throw new Error(`the settlement has no slot of its own for ${variable}`)
  return BigInt(slot)
}

/** Slot of a key in the mapping at `base`. */
function slotAt(base: bigint, key: number): bigint {
  const words = [{ type: 'uint256' }, { type: 'uint256' }]
  return BigInt(keccak256(encodeAbiParameters(words, [BigInt(key), base])))
}

const slotIn = (mapping: string, key: number): bigint => slotAt(slotOf(mapping), key)

const word = (value: bigint): Hex => `0x${value.toString(16).padStart(64, '0')}`

async function read({ ethers, settlement }: Deployment, slot: bigint): Promise<bigint> {
  return BigInt(await ethers.provider.getStorage(await settlement.getAddress(), slot))
}

async function write(helpers: NetworkHelpers, { settlement }: Deployment, slot: bigint, value: bigint): Promise<void> {
  await helpers.setStorageAt(await settlement.getAddress(), slot, word(value))
}

/** Turns a deal into one of another mode. */
export async function setDealMode(
  helpers: NetworkHelpers,
  deployment: Deployment,
  id: number,
  mode: bigint,
): Promise<void> {
  const slot = slotIn('_deals', id) + TERMS_OFFSET
  const terms = await read(deployment, slot)
  await write(helpers, deployment, slot, (terms & ~MODE_MASK) | (mode << MODE_SHIFT))
}

/** Word and bit where a deal's stream stands. */
function cellOf(id: number, index: number): { slot: bigint; shift: bigint } {
  if (index < INLINE)
    return { slot: slotIn('_cells', Math.floor(id / 2)), shift: CELL_BITS * BigInt(2 * (id % 2) + index) }
  const position = index - INLINE
  const slot = slotAt(slotIn('_moreCells', id), Math.floor(position / CELLS_PER_WORD))
  return { slot, shift: CELL_BITS * BigInt(position % CELLS_PER_WORD) }
}

/** Puts a deal's stream to these receipts and units. */
export async function setStream(
  helpers: NetworkHelpers,
  deployment: Deployment,
  id: number,
  index: number,
  { cursor, units }: { cursor: bigint; units: bigint },
): Promise<void> {
  const { slot, shift } = cellOf(id, index)
  const cells = await read(deployment, slot)
  await write(helpers, deployment, slot, (cells & ~(CELL << shift)) | (((cursor << 40n) | units) << shift))
}

/** Makes it look as if `count` batches had settled in an interval. */
export async function setIntervalCount(
  helpers: NetworkHelpers,
  deployment: Deployment,
  interval: number,
  count: number,
): Promise<void> {
  await write(helpers, deployment, slotIn('_ring', interval % INTERVALS), (BigInt(interval) << 16n) | BigInt(count))
}

/** The rows of a deal page that still state their deals, lowest bit first. */
export async function liveRows(deployment: Deployment, page: number): Promise<bigint> {
  return await read(deployment, slotIn('_livePages', page))
}

/** A provider's room: what is left of it and for which day. */
export type Room = { readonly left: bigint; readonly day: number }

/** The room of a provider as it stands in the word that settling reads. */
export async function roomOf(deployment: Deployment, provider: number): Promise<Room> {
  const rooms = await read(deployment, slotIn('_rooms', Math.floor(provider / 4)))
  const room = (rooms >> (CELL_BITS * BigInt(provider % 4))) & CELL
  return { left: room >> DAY_BITS, day: Number(room & ((1n << DAY_BITS) - 1n)) }
}

/** Whether a provider's wheel says that a room of its day was issued. */
export async function hasIssued(deployment: Deployment, provider: number): Promise<boolean> {
  return ((await read(deployment, slotIn('_wheels', provider))) & ISSUED) !== 0n
}
