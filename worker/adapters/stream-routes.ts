/**
 * What a buyer needs to judge a stream's work itself: its receipts with everything they commit to, and the tally over
 * them that it may acknowledge.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify'
import type { Hex } from 'viem'
import { z } from 'zod'

import { parseDataRoot, toWire, WireError } from '#protocol/wire.ts'
import { HttpProblem } from '#runtime/http.ts'

import type { SignedTally, StoredReceipt, StreamRef } from '../rows.ts'

const dealKey = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/)
  .transform((value) => `0x${value.slice(2).toLowerCase()}` as const)
const stream = z.coerce.number().int().min(0).max(63)
const streamQuery = z.object({ dealKey, stream })
const receiptsQuery = streamQuery.extend({
  from: z.coerce.number().int().min(0).max(0xffff_ffff).default(0),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})

function parse<Parsed>(schema: z.ZodType<Parsed>, query: unknown): Parsed {
  const result = schema.safeParse(query)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new WireError(issue?.path.join('.') ?? '', issue?.message ?? 'is not valid', { cause: result.error })
}

/** Adds the routes. `tally` gives the furthest unsettled tally of a stream, null when there is none. */
export function streamRoutes(
  app: FastifyInstance,
  options: {
    readonly receipts: (ref: StreamRef, first: number, count: number) => readonly StoredReceipt[]
    readonly receiptOf: (workHash: Hex) => StoredReceipt | null
    readonly tally: (ref: StreamRef) => SignedTally | null
  },
): void {
  app.get('/v1/receipts', (request) => {
    const { from, limit, ...ref } = parse(receiptsQuery, request.query)
    return { receipts: toWire(options.receipts(ref, from, from + limit)) }
  })
  app.get<{ Params: { workHash: string } }>('/v1/work/:workHash', (request) => {
    const workHash = parseDataRoot(request.params.workHash)
    const receipt = options.receiptOf(workHash)
    if (receipt === null) throw new HttpProblem(404, 'work.unknown', `there is no receipt ${workHash}`)
    return toWire(preimageOf(receipt))
  })
  app.get('/v1/tallies', (request) => {
    const tally = options.tally(parse(streamQuery, request.query))
    if (tally === null) throw new HttpProblem(404, 'tally.none', 'nothing of this stream waits to be settled')
    return { tally: toWire(tally) }
  })
}

/** What a receipt's work hash was made of, as an auditor asks for it. */
function preimageOf({ order, outputRoot, plainHash, startedAt, endedAt }: StoredReceipt) {
  const { index, inputRoot, maxUnits, signature } = order
  const times = { startedAt: Number(startedAt), endedAt: Number(endedAt) }
  return { order: { index, inputRoot, maxUnits, signature }, outputRoot, plainHash, ...times }
}
