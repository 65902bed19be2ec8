/**
 * See {@link Cheat}.
 *
 * @module
 */
import { parseAbi } from 'viem'

import { demandsAbi } from '#protocol/abi.generated.ts'
import { Source, shownSettled } from '#protocol/courts.ts'
import { tallyHash } from '#protocol/eip712.ts'
import { encodeFacts } from '#protocol/facts.ts'
import { placeInStream } from '#protocol/openings.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Outcome } from '#protocol/types.ts'

import { force, tallyOf } from '../batches.ts'
import type { Cheat } from '../cheat.ts'
import { openDeal } from '../party.ts'
import { recordTimeOf, sign, work } from '../work.ts'

const tokenAbi = parseAbi(['function approve(address spender, uint256 amount) returns (bool)'])
/** Most the buyer lays out for an answer, settlement token base units; it has it back on silence. */
const PREPAID = 1_000_000n

/** A provider is paid and keeps the result to itself. */
export const withheldOutput: Cheat = {
  name: 'withheldOutput',
  tries: 'a provider forces a receipt and never hands the result over; its buyer demands it on chain',
  provable: 'on silence',
  async play(world, party) {
    const { demands, token } = world.deployment
    const deal = await openDeal(world, party)
    const made = [await work(world, deal, 0, { units: 500n })]
    const segment = sign(world, deal, made)
    world.noticeboard.show(segment.receipts)
    await force(world, party.provider.owner, segment)

    const tally = tallyOf(segment)
    const facts = { outcome: Outcome.Applied, cursor: 0, units: 0n, amount: 500n * deal.offer.price }
    const time = await recordTimeOf(world, deal, 0)
    const links = [{ groupHash: tallyHash(tally), record: encodeFacts([facts]), time }]
    const place = placeInStream(deal.id, tally, { links, position: 0 })
    const shown = shownSettled(Source.Stream, place, encodeReceipts(segment.receipts), 0)
    const { buyer } = party
    await buyer.call({ address: token, abi: tokenAbi, functionName: 'approve', args: [demands, PREPAID] })
    await buyer.call({ address: demands, abi: demandsAbi, functionName: 'demandOutput', args: [deal.id, shown, 0] })
    return { deals: [deal], slashed: 'provider' }
  },
}
