/**
 * Moves the protocol clock, which advances by at most an hour at a touch.
 *
 * @module
 */
import type { NetworkHelpers } from '@nomicfoundation/hardhat-network-helpers/types'

import type { Deployment } from './deployment.ts'

const HOUR = 3600
const HEAD_SLOT = 3 // test/snapshots/Settlement.json
const CLOCK = 0xffff_ffffn

/** Second on the protocol clock as stored, which not every touch does. */
export async function writtenClock(deployment: Deployment): Promise<number> {
  return (await storedClock(deployment)).clock
}

/** Second on the protocol clock that the latest block's transactions saw. */
export async function lastClock(deployment: Deployment): Promise<number> {
  const stored = await storedClock(deployment)
  return stored.clock + Math.min((await latestTime(deployment)) - stored.block, HOUR)
}

/** Moves chain and protocol clock on by `seconds`, hour by hour. */
export async function advance(helpers: NetworkHelpers, deployment: Deployment, seconds: number): Promise<void> {
  await arriveAt(helpers, deployment, (await lastClock(deployment)) + seconds)
  await deployment.tally.tick()
}

/**
 * Lets the next transaction see the protocol clock at exactly `clock`.
 *
 * @throws Error when that is past.
 */
export async function arriveAt(helpers: NetworkHelpers, deployment: Deployment, clock: number): Promise<void> {
  for (;;) {
    const stored = await storedClock(deployment)
    const latest = await latestTime(deployment)
    const distance = clock - stored.clock
    const arrival = stored.block + Math.min(distance, HOUR)
    if (arrival <= latest && distance <= HOUR) throw new Error(`the protocol clock is past ${clock}`)
    await helpers.time.setNextBlockTimestamp(Math.max(arrival, latest + 1))
    if (distance <= HOUR) return
    await deployment.tally.tick()
  }
}

/** The protocol clock as stored, which is not at every touch, and that block's own time. */
async function storedClock({ ethers, settlement }: Deployment): Promise<{ clock: number; block: number }> {
  const head = BigInt(await ethers.provider.getStorage(await settlement.getAddress(), HEAD_SLOT))
  return { clock: Number(head & CLOCK), block: Number((head >> 32n) & CLOCK) }
}

async function latestTime({ ethers }: Deployment): Promise<number> {
  const block = await ethers.provider.getBlock('latest')
  if (block === null) throw new Error('the chain has no block')
  return block.timestamp
}
