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

/** Second at which the protocol clock was last touched; `clock()` would add the time since. */
export async function lastClock({ ethers, settlement }: Deployment): Promise<number> {
  const head = await ethers.provider.getStorage(await settlement.getAddress(), HEAD_SLOT)
  return Number(BigInt(head) & CLOCK)
}

/** Moves chain and protocol clock on by `seconds`, hour by hour. */
export async function advance(helpers: NetworkHelpers, deployment: Deployment, seconds: number): Promise<void> {
  await deployment.tally.tick()
  for (let left = seconds; left > 0; left -= HOUR) {
    await helpers.time.setNextBlockTimestamp((await helpers.time.latest()) + Math.min(left, HOUR))
    await deployment.tally.tick()
  }
}

/**
 * Lets the next transaction see the protocol clock at exactly `clock`.
 *
 * @throws Error when that is past.
 */
export async function arriveAt(helpers: NetworkHelpers, deployment: Deployment, clock: number): Promise<void> {
  await deployment.tally.tick()
  const distance = clock - (await lastClock(deployment))
  if (distance <= 0) throw new Error(`the protocol clock is ${-distance} s past ${clock}`)
  const hours = Math.ceil(distance / HOUR) - 1
  for (let hour = 0; hour < hours; hour += 1) {
    await helpers.time.setNextBlockTimestamp((await helpers.time.latest()) + HOUR)
    await deployment.tally.tick()
  }
  await helpers.time.setNextBlockTimestamp((await helpers.time.latest()) + distance - hours * HOUR)
}
