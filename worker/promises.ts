/**
 * What `GET /v1/promises` shows: promises of members with the tallies they are about.
 *
 * @module
 */
import type { WorkerStore } from './store.ts'

/** Promises from number `from` on, at most `limit`. */
export function shownPromises(store: WorkerStore, from: number, limit: number) {
  const dealIds = new Map(store.streams().map(({ dealKey, dealId }) => [dealKey, dealId]))
  return store.promises(from, limit).flatMap(({ id, epoch, member, before, signature, ...place }) => {
    const tally = store.signedTally(place, place.first, place.count)
    const dealId = dealIds.get(place.dealKey)
    if (tally === null || dealId === undefined) return []
    const { dealKey, stream, first, count, units, segment } = tally
    const promise = { epoch, member, before, signature }
    return [{ id, dealId, tally: { dealKey, stream, first, count, units, segment }, promise }]
  })
}
