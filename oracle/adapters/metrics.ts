/**
 * What a member counts, in Prometheus' format.
 *
 * @module
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

import type { Store } from '../ports.ts'

/** Counters and gauges of one node. */
export type Metrics = {
  readonly contentType: string
  refusal(check: string): void
  proposal(result: 'signed' | 'refused'): void
  batch(carriage: { readonly mode: number; readonly lane: number }, verdict: string, receipts: number): void
  transaction(event: string): void
  reorganisation(depth: number): void
  head(block: bigint): void
  /** Text for a scraper. */
  render(): Promise<string>
}

/** Creates the metrics of one node; nothing is registered globally. */
export function createMetrics(store: Store): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const refusals = new Counter({
    name: 'tally_oracle_refusals_total',
    help: 'What was refused, by the check that failed',
    labelNames: ['check'],
    registers,
  })
  const proposals = new Counter({
    name: 'tally_oracle_proposals_total',
    help: 'Batches of other members judged',
    labelNames: ['result'],
    registers,
  })
  const batches = new Counter({
    name: 'tally_oracle_batches_total',
    help: 'Batches built, by mode, by lane and by why they went out',
    labelNames: ['mode', 'lane', 'verdict'],
    registers,
  })
  const receipts = new Counter({
    name: 'tally_oracle_batched_receipts_total',
    help: 'Receipts in batches built',
    registers,
  })
  const transactions = new Counter({
    name: 'tally_oracle_transaction_events_total',
    help: 'What happened to transactions',
    labelNames: ['event'],
    registers,
  })
  const reorganisations = new Counter({
    name: 'tally_oracle_reorganisations_total',
    help: 'Re-organisations seen, by blocks removed',
    labelNames: ['depth'],
    registers,
  })
  const head = new Gauge({ name: 'tally_oracle_head_block', help: 'Newest block followed', registers })
  new Gauge({
    name: 'tally_oracle_segments',
    help: 'Segments held, by status',
    labelNames: ['status'],
    registers,
    collect() {
      this.reset()
      for (const [status, count] of Object.entries(store.segments.counts())) this.set({ status }, count)
    },
  })
  return {
    contentType: registry.contentType,
    refusal: (check) => refusals.inc({ check }),
    proposal: (result) => proposals.inc({ result }),
    batch: ({ mode, lane }, verdict, count) => {
      batches.inc({ mode: String(mode), lane: String(lane), verdict })
      receipts.inc(count)
    },
    transaction: (event) => transactions.inc({ event }),
    reorganisation: (depth) => reorganisations.inc({ depth: String(Math.min(depth, 10)) }),
    head: (block) => head.set(Number(block)),
    render: () => registry.metrics(),
  }
}
