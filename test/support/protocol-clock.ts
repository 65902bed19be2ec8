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
export async function lastClock(deployment: Deployment): Promise<number> {
  return (await lastTouch(deployment)).clock
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
  for (;;) {
    const last = await lastTouch(deployment)
    const distance = clock - last.clock
    if (distance <= 0) throw new Error(`the protocol clock is ${-distance} s past ${clock}`)
    await helpers.time.setNextBlockTimestamp(last.block + Math.min(distance, HOUR))
    if (distance <= HOUR) return
    await deployment.tally.tick()
  }
}

/** The protocol clock at its last touch, and that block's own time. */
async function lastTouch({ ethers, settlement }: Deployment): Promise<{ clock: number; block: number }> {
  const head = BigInt(await ethers.provider.getStorage(await settlement.getAddress(), HEAD_SLOT))
  return { clock: Number(head & CLOCK), block: Number((head >> 32n) & CLOCK) }
}
