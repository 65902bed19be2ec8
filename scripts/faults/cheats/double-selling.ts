/**
 * See {@link Cheat}.
 *
 * @module
 */
import { settlementAbi } from '#protocol/abi.generated.ts'

import type { Cheat } from '../cheat.ts'
import { openDeal } from '../party.ts'
import { pass } from '../time.ts'
import { deliverUntilSettled, sign, work } from '../work.ts'

/** Tasks that the provider says its worker does at once. */
const CAPACITY = 1
/** A declared capacity holds from a week on. */
const NOTICE = 7 * 86_400 + 60
/** How long each task is said to have taken, seconds. */
const TASK = 30

/** A worker sells the same minutes to two deals. */
export const doubleSelling: Cheat = {
  name: 'doubleSelling',
  tries: 'a worker that does one task at a time bills two deals for the same half minute',
  provable: 'at once',
  async play(world, party) {
    const { id, owner } = party.provider
    const own = { address: world.deployment.settlement, abi: settlementAbi } as const
    await owner.call({ ...own, functionName: 'declareCapacity', args: [id, CAPACITY] })
    await pass(world, NOTICE)
    const deals = [await openDeal(world, party), await openDeal(world, party)]
    const made = await Promise.all(deals.map((deal) => work(world, deal, 0, { units: 100n, seconds: TASK })))
    for (const [index, deal] of deals.entries()) {
      const done = made.slice(index, index + 1)
      await deliverUntilSettled(world, deal, sign(world, deal, done), done)
    }
    return { deals, slashed: 'provider' }
  },
}
