/**
 * What a member's batch builder takes in time and memory: choosing lane, mode and groups of what waits, and encoding
 * batches, until nothing is left. Reading the store, checking signatures and gathering attestations are not in it.
 *
 * @module
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { type Hex, keccak256, numberToHex } from 'viem'

import type { FeeLevel } from '#oracle/domain/fees.ts'
import { longestPerStream, type Waiting } from '#oracle/domain/grouping.ts'
import { byLane, routeOf } from '#oracle/domain/lanes.ts'
import { type BatchPolicy, cheapest, type Plan } from '#oracle/domain/plan.ts'
import { encodeBatch, type Group } from '#protocol/batch.ts'
import { packBlobBatch } from '#protocol/blob-batch.ts'
import { RECEIPT_BYTES } from '#protocol/receipts.ts'
import { Lane, Mode, type Receipt } from '#protocol/types.ts'
import type { Building } from './figures.ts'

const RECEIPTS_PER_STREAM = 5
const SIGNATURES = 5
const STREAMS_PER_DEAL = 2
const DEALS_PER_PROVIDER = 2
const DEAL_ROWS = 256
const GWEI = 10n ** 9n
const NOW = 1_000_000
const SIGNATURE: Hex = `0x${'5a'.repeat(64)}`

const FEES: FeeLevel = { baseFee: GWEI, usualBaseFee: GWEI, tip: 0n, blobBaseFee: 1n }
const POLICY: BatchPolicy = {
  ...{ fork: 'osaka', modes: [Mode.Calldata, Mode.Blob], maxBytes: 122_880, maxGas: 15_728_640 },
  ...{ maxAgeMs: 10_000, leastWaitMs: 2_000, mostWaitMs: 86_400_000 },
  ...{ worthPercent: 125, dearPercent: 150, blobSavingPercent: 10 },
  ...{ etherPrice: null, gasShareBps: 50, payAtOnceBps: 10 },
}

type Item = { readonly waiting: Waiting; readonly receipts: readonly Receipt[] }

/** Builds every batch of `receipts` receipts, five to a stream. */
export function measureBuilding(receipts: number): Building {
  const items = new Map(itemsOf(receipts).map((item) => [item.waiting.tallyHash, item]))
  collect()
  const before = process.memoryUsage().heapUsed
  let [planMs, encodeMs, batches, heapBytes] = [0, 0, 0, 0]
  const left = new Map(items)
  while (left.size > 0) {
    const started = performance.now()
    const plan = planOf([...left.values()].map(({ waiting }) => waiting))
    const planned = performance.now()
    encode(plan, items)
    encodeMs += performance.now() - planned
    planMs += planned - started
    heapBytes = Math.max(heapBytes, process.memoryUsage().heapUsed - before)
    for (const { tallyHash } of plan.groups) left.delete(tallyHash)
    batches += 1
  }
  const rounded = (ms: number): number => Math.round(ms * 10) / 10
  return {
    ...{ receipts, groups: items.size, batches, heapBytes },
    ...{ planMs: rounded(planMs), encodeMs: rounded(encodeMs) },
  }
}

function planOf(waiting: readonly Waiting[]): Plan {
  const [kind] = byLane(waiting, SIGNATURES, FEES, POLICY)
  if (kind === undefined) throw new Error('nothing is ready')
  const plan = cheapest(longestPerStream(kind.part), routeOf(kind.lane, SIGNATURES), FEES, POLICY, NOW)
  if (plan.groups.length === 0) throw new Error('no group fits a batch')
  return plan
}

function encode({ groups, route }: Plan, items: ReadonlyMap<Hex, Item>): Hex {
  const written = groups.flatMap(({ tallyHash }) => {
    const item = items.get(tallyHash)
    return item === undefined ? [] : [toGroup(item)]
  })
  if (route.mode === Mode.Blob) return encodeBatch(packBlobBatch(Lane.Attested, written).batch)
  return encodeBatch({ mode: Mode.Calldata, lane: Lane.Attested, groups: written })
}

function toGroup({ waiting: { dealId, stream, worker, first, units, deal }, receipts }: Item): Group {
  return { dealId, stream, place: deal.place, worker, first, units, signature: SIGNATURE, receipts }
}

function itemsOf(receipts: number): Item[] {
  return Array.from({ length: receipts / RECEIPTS_PER_STREAM }, (_, index): Item => {
    const dealId = 1 + Math.floor(index / STREAMS_PER_DEAL)
    const list = Array.from({ length: RECEIPTS_PER_STREAM }, (__, at): Receipt => {
      return { units: BigInt(1 + ((index * 7 + at) % 60_000)), workHash: hashOf(index * RECEIPTS_PER_STREAM + at) }
    })
    const units = list.reduce((sum, receipt) => sum + receipt.units, 0n)
    return {
      receipts: list,
      waiting: {
        ...{ tallyHash: hashOf(index), dealId, stream: index % STREAMS_PER_DEAL, worker: 512 + (index % 512) },
        ...{ first: 10, count: 10 + RECEIPTS_PER_STREAM, receiptBytes: RECEIPTS_PER_STREAM * RECEIPT_BYTES, units },
        ...{ receivedAtMs: NOW - 1, dueMs: NOW, acknowledged: false, check: null, claims: 1, wish: {} },
        deal: {
          ...{ provider: 1 + Math.floor(dealId / DEALS_PER_PROVIDER), price: 100n, streams: STREAMS_PER_DEAL },
          place: DEAL_ROWS + dealId,
        },
      },
    }
  })
}

function hashOf(value: number): Hex {
  return keccak256(numberToHex(value, { size: 32 }))
}

/** Collects garbage, so that what is left is what is held. */
function collect(): void {
  setFlagsFromString('--expose-gc')
  const run: unknown = runInNewContext('gc')
  if (typeof run === 'function') run()
}
