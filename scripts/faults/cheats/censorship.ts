/**
 * See {@link Cheat}.
 *
 * @module
 */
import { tallyHash } from '#protocol/eip712.ts'
import { Fault } from '#protocol/types.ts'
import type { SignedPromise } from '#protocol/wire.ts'
import { tallyOf } from '../batches.ts'
import type { Cheat } from '../cheat.ts'
import { openDeal } from '../party.ts'
import { clockOf, pass } from '../time.ts'
import { until } from '../waiting.ts'
import { deliverTo, promiseOf, sign, work } from '../work.ts'
import { keepPromised, tallyForce } from '../worker-store.ts'
import type { World } from '../world.ts'

const HOUR = 3_600
/** How long the worker lets the member wait for cheap gas, so that it is gone before it settles anything. */
const WISH = { settleWithin: HOUR, gasShareBps: 0 } as const
/** Which of the members it is. */
const CENSOR = 2

async function untilPromised(world: World, hash: `0x${string}`): Promise<SignedPromise> {
  const found: SignedPromise[] = []
  await until(world, 'promising a batch', async () => {
    const promise = await promiseOf(world, CENSOR, hash)
    if (promise !== null) found.push(promise)
    return promise !== null
  })
  const [promise] = found
  if (promise === undefined) throw new Error('nothing was promised')
  return promise
}

/** A member promises a batch and drops the segment. */
export const censorship: Cheat = {
  name: 'censorship',
  tries: 'a member promises a batch for a segment, then is gone; its worker has `tally force` claim the promise',
  provable: 'at once',
  async play(world, party) {
    const censor = world.members[CENSOR]
    if (censor === undefined) throw new Error('there is no member')
    const deal = await openDeal(world, party, { durationSeconds: 5 * HOUR })
    const made = await Promise.all([0, 1, 2].map((task) => work(world, deal, task)))
    const segment = { ...sign(world, deal, made), wish: WISH }
    await until(world, 'a member taking the segment', () => deliverTo(world, CENSOR, segment, made))
    const tally = tallyOf(segment)
    const promise = await untilPromised(world, tallyHash(tally))
    await censor.stop()
    world.noticeboard.show(segment.receipts)
    world.noticeboard.publish(deal.id, tally, promise)
    await pass(world, promise.before + 60 - (await clockOf(world)))
    await tallyForce(world, deal, keepPromised(world, deal, made, promise))
    await censor.start()
    return {
      deals: [deal],
      members: [censor.signer],
      membersFault: Fault.BrokenPromise,
      slashed: 'members',
      isProviderHonest: true,
    }
  },
}
