/**
 * Where a worker of the demo publishes what members promised it, as workers do.
 *
 * @module
 */
import { tallyHash } from '#protocol/eip712.ts'
import type { Tally } from '#protocol/types.ts'
import {
  type PromisesAnswer,
  parsePromisesAnswer,
  type SegmentReceipt,
  type SignedPromise,
  toWire,
  type WorkPreimage,
} from '#protocol/wire.ts'
import { createHttp, HttpProblem, listenHttp } from '#runtime/http.ts'

/** The board. */
export type Noticeboard = {
  readonly url: string
  /** Shows what receipts were made of. */
  show(receipts: readonly SegmentReceipt[]): void
  publish(dealId: number, tally: Tally, promise: SignedPromise): void
  close(): Promise<void>
}

/** Opens the board on a free port. */
export async function openNoticeboard(): Promise<Noticeboard> {
  const promises: PromisesAnswer['promises'] = []
  const app = createHttp()
  app.get<{ Querystring: { from?: string } }>('/v1/promises', ({ query }) => {
    const from = Number(query.from ?? 0)
    return { promises: toWire(promises.filter(({ id }) => id >= from)) }
  })
  const works = new Map<string, WorkPreimage>()
  app.get<{ Params: { hash: string } }>('/v1/work/:hash', ({ params }) => {
    const work = works.get(params.hash)
    if (work === undefined) throw new HttpProblem(404, 'work.unknown', 'no receipt has it')
    return toWire(work)
  })
  const { url } = await listenHttp(app, { port: 0 })
  return {
    url,
    show(receipts) {
      for (const { units: _, workHash, ...work } of receipts) works.set(workHash, work)
    },
    publish(dealId, tally, promise) {
      const known = promises.some((one) => tallyHash(one.tally) === tallyHash(tally))
      const shown = { id: promises.length + 1, dealId, tally, promise }
      if (!known) promises.push(...parsePromisesAnswer(toWire({ promises: [shown] })).promises)
    },
    close: () => app.close(),
  }
}
