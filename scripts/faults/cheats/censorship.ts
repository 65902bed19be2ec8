/**
 * See {@link Cheat}.
 *
 * @module
 */
import { promiseDigest, tallyHash } from '#protocol/eip712.ts'
import { signCompact } from '#protocol/signature.ts'
import { Fault } from '#protocol/types.ts'
import { force, tallyOf } from '../batches.ts'
import type { Cheat } from '../cheat.ts'
import { committeeDomainOf, openDeal } from '../party.ts'
import { clockOf, pass } from '../time.ts'
import { sign, work } from '../work.ts'

/** How far ahead the member promises a batch, seconds. */
const WITHIN = 3_600

/** Which of the members it is. */
const CENSOR = 2

/** A member promises a batch and drops the segment. */
export const censorship: Cheat = {
  name: 'censorship',
  tries: 'a member promises a batch for a segment and drops it; its worker has to force it',
  provable: 'at once',
  async play(world, party) {
    const censor = world.members[CENSOR]
    if (censor === undefined) throw new Error('there is no member')
    const deal = await openDeal(world, party, { durationSeconds: 4 * WITHIN })
    const made = await Promise.all([0, 1, 2].map((task) => work(world, deal, task)))
    const segment = sign(world, deal, made)
    const before = (await clockOf(world)) + WITHIN
    const tally = tallyOf(segment)
    const digest = promiseDigest({ tally: tallyHash(tally), before }, committeeDomainOf(world))
    const promise = { epoch: 1, member: CENSOR, before, signature: signCompact(digest, censor.key.privateKey) }
    world.noticeboard.show(segment.receipts)
    world.noticeboard.publish(deal.id, tally, promise)
    await pass(world, WITHIN + 60)
    await force(world, party.provider.owner, segment)
    return {
      deals: [deal],
      members: [censor.signer],
      membersFault: Fault.BrokenPromise,
      slashed: 'members',
      isProviderHonest: true,
    }
  },
}
