/**
 * See {@link Cheat}.
 *
 * @module
 */

import { Fault } from '#protocol/types.ts'
import { attest } from '../batches.ts'
import type { Cheat } from '../cheat.ts'
import { openDeal } from '../party.ts'
import { sign, work } from '../work.ts'

/** Two members vouch for work that nobody ordered. */
export const badAttestation: Cheat = {
  name: 'badAttestation',
  tries: 'a provider bills work nobody ordered, and two of three members vouch that it was',
  provable: 'on silence',
  async play(world, party) {
    const deal = await openDeal(world, party)
    const made = [await work(world, deal, 0, { units: 1_000n, isOrdered: false })]
    const liars = world.members.slice(0, 2)
    await attest(world, liars, [sign(world, deal, made)])
    return {
      deals: [deal],
      members: liars.map(({ signer }) => signer),
      membersFault: Fault.BadAttestation,
      slashed: 'members',
    }
  },
}
