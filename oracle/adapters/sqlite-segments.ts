/**
 * Segments in SQLite: one row per segment, one bit per billed task.
 *
 * @module
 */
import type { Hex } from 'viem'

import { decodeReceipts, encodeReceipts, totalUnits } from '#protocol/receipts.ts'
import { parseSegmentMessage, segmentStatus, segmentWish, toWire } from '#protocol/wire.ts'
import type { Candidate } from '../domain/grouping.ts'
import type { Range, Segment } from '../domain/segment.ts'
import { freshReceipts } from '../domain/segment.ts'
import { hasBit, taskPlace, withBit } from '../domain/task-pages.ts'
import { OracleError } from '../errors.ts'
import type { SegmentState, SegmentStore, StoredSegment, StreamId, Verification } from '../ports.ts'
import { blob, countBy, type Database, hex, integer, type Row, text } from './sqlite-database.ts'

/** Creates the segments' store on an open database. */
export function createSegmentStore(database: Database): SegmentStore {
  const bitsOf = (dealKey: Hex, page: bigint): Uint8Array | null => {
    const row = database.one('select bits from task_pages where deal_key = ? and page = ?', dealKey, page.toString())
    return row === null ? null : blob(row, 'bits')
  }

  function mark(dealKey: Hex, tasks: readonly bigint[], value: boolean): void {
    const pages = new Map<bigint, Uint8Array>()
    for (const task of tasks) {
      const { page, bit } = taskPlace(task)
      pages.set(page, withBit(pages.get(page) ?? bitsOf(dealKey, page), bit, value))
    }
    for (const [page, bits] of pages) {
      database.run(
        'insert or replace into task_pages (deal_key, page, bits) values (?, ?, ?)',
        dealKey,
        `${page}`,
        bits,
      )
    }
  }

  function ranges({ dealKey, stream }: StreamId, which: 'accepted' | 'all' = 'accepted'): Range[] {
    const rows = database.all(
      `select tally_hash, first, count, units, receipts from segments
       where deal_key = ? and stream = ? and status <> ? order by count`,
      dealKey,
      stream,
      which === 'accepted' ? 'refused' : '',
    )
    return rows.map(toRange)
  }

  function get(tallyHash: Hex): StoredSegment | null {
    const row = database.one('select * from segments where tally_hash = ? and pruned = 0', tallyHash)
    return row === null ? null : toStored(row)
  }

  return {
    insert: (stored, fresh) =>
      database.atomically(() => {
        if (insertRow(database, stored) === 0) return false
        const { dealKey, receipts } = stored.segment
        mark(
          dealKey,
          fresh.flatMap((index) => receipts[index]?.order.index ?? []),
          true,
        )
        return true
      }),
    get,

    state(tallyHash) {
      const row = database.one(
        'select tally_hash, status, check_name, transaction_hash from segments where tally_hash = ?',
        tallyHash,
      )
      return row === null ? null : toState(row)
    },

    ranges,

    billed(dealKey, tasks) {
      const pages = new Map<bigint, Uint8Array | null>()
      const isBilled = (task: bigint) => {
        const { page, bit } = taskPlace(task)
        if (!pages.has(page)) pages.set(page, bitsOf(dealKey, page))
        const bits = pages.get(page) ?? null
        return bits !== null && hasBit(bits, bit)
      }
      return new Set(tasks.filter(isBilled))
    },

    unverified: (limit, triedBefore) =>
      database
        .all(
          `select * from segments where verification = 'pending' and status = 'accepted' and tried_at <= ?
           order by tried_at, received_at limit ?`,
          triedBefore,
          limit,
        )
        .map(toStored),

    tried(tallyHash, check, nowMs) {
      database.run('update segments set check_name = ?, tried_at = ? where tally_hash = ?', check, nowMs, tallyHash)
    },

    verified(tallyHash, claims) {
      database.run(
        `update segments set verification = 'done', claims = ?, check_name = null where tally_hash = ?`,
        claims,
        tallyHash,
      )
    },

    refuse: (tallyHash, check) =>
      database.atomically(() => {
        const stored = get(tallyHash)
        if (stored === null) return
        database.run(`update segments set status = 'refused', check_name = ? where tally_hash = ?`, check, tallyHash)
        const { segment } = stored
        const alone = freshReceipts(segment, ranges(segment))
        mark(
          segment.dealKey,
          alone.flatMap((index) => segment.receipts[index]?.order.index ?? []),
          false,
        )
      }),

    note(tallyHash, check) {
      database.run(
        'update segments set check_name = ?1 where tally_hash = ?2 and check_name is not ?1',
        check,
        tallyHash,
      )
    },

    candidates: () =>
      database
        .all(
          `select s.tally_hash, s.deal_id, s.stream, s.worker, s.first, s.count, s.work, s.claims, s.received_at, s.wish,
             s.check_name, length(s.receipts) as size, a.signature is not null as acknowledged
           from segments s left join acknowledgements a
             on a.deal_key = s.deal_key and a.stream = s.stream and a.count = s.count and a.segment_hash = s.segment_hash
               and a.units = s.units
           where s.status = 'accepted' and s.verification = 'done'`,
        )
        .map(toCandidate),

    heldByExposure: (limit) =>
      database
        .all(
          `select * from segments where status = 'accepted' and verification = 'done' and check_name = 'exposure' limit ?`,
          limit,
        )
        .map(toStored),

    openStreams: () =>
      database
        .all(`select distinct deal_key, stream, deal_id from segments where status not in ('refused', 'final')`)
        .map((row) => ({
          dealKey: hex(row, 'deal_key'),
          stream: integer(row, 'stream'),
          dealId: integer(row, 'deal_id'),
        })),

    expire({ dealKey, stream }, check) {
      database.run(
        `update segments set status = 'refused', check_name = ?
         where deal_key = ? and stream = ? and status in ('accepted', 'batched')`,
        check,
        dealKey,
        stream,
      )
      database.run(
        `update segments set status = 'final' where deal_key = ? and stream = ? and status = 'settled'`,
        dealKey,
        stream,
      )
    },

    reopen() {
      // what was pruned is older than any re-organisation, and could not be sent again
      database.run(`update segments set status = 'settled' where status = 'final' and pruned = 0`)
    },

    settle: ({ dealKey, stream }, { head, final }) =>
      database.atomically(() => {
        const where = 'where deal_key = ? and stream = ?'
        database.run(
          `update segments set status = 'final', check_name = null ${where} and count <= ? and status in ('accepted', 'batched', 'settled')`,
          dealKey,
          stream,
          final,
        )
        database.run(
          `update segments set status = 'settled', check_name = null ${where} and count <= ? and status in ('accepted', 'batched')`,
          dealKey,
          stream,
          head,
        )
        // a re-organisation took the settlement back; what this member sent itself is on its way again
        database.run(
          `update segments set transaction_hash = null, status = case when batch_id is null then 'accepted' else 'batched' end
           ${where} and count > ? and status = 'settled'`,
          dealKey,
          stream,
          head,
        )
      }),

    noteTransaction(root, transaction) {
      database.run(
        `update segments set transaction_hash = ? where tally_hash in (
           select tally_hash from signed_groups where root = ?
           union select member.value from batches, json_each(batches.groups) as member where batches.root = ?)`,
        transaction,
        root,
        root,
      )
    },

    prune: (receivedBeforeMs, limit) =>
      database.run(
        `update segments set body = json_remove(body, '$.receipts'), pruned = 1 where tally_hash in (
           select tally_hash from segments where pruned = 0 and status in ('refused', 'final') and received_at < ? limit ?)`,
        receivedBeforeMs,
        limit,
      ),

    counts: () => countBy(database, 'segments', 'status'),

    usedDeals: () =>
      new Map(
        database
          .all(
            `select deal_key, count(distinct transaction_hash) as n from segments
             where transaction_hash is not null and deal_key in (select deal_key from opened_deals) group by deal_key`,
          )
          .map((row) => [hex(row, 'deal_key'), integer(row, 'n')]),
      ),

    usedWorkers: (sinceMs) =>
      database
        .all(
          `select worker as worker_index, count(distinct transaction_hash) as n from segments
           where transaction_hash is not null and received_at > ? group by worker`,
          sinceMs,
        )
        .map((row) => ({ index: integer(row, 'worker_index'), batches: integer(row, 'n') })),
  }
}

function insertRow(database: Database, stored: StoredSegment): number {
  const { segment } = stored
  return database.run(
    `insert or ignore into segments (tally_hash, deal_id, deal_key, stream, first, count, units, segment_hash, receipts,
       body, status, check_name, verification, claims, transaction_hash, received_at, worker, work, wish)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    stored.tallyHash,
    segment.dealId,
    segment.dealKey,
    segment.stream,
    segment.first,
    segment.count,
    segment.units,
    stored.segmentHash,
    encodeReceipts(segment.receipts),
    JSON.stringify(toWire(segment)),
    stored.status,
    stored.check,
    stored.verification,
    stored.claims,
    stored.transaction,
    stored.receivedAtMs,
    segment.worker,
    totalUnits(segment.receipts),
    JSON.stringify(segment.wish ?? {}),
  )
}

/** A row with the columns of a range. */
export function toRange(row: Row): Range {
  const first = integer(row, 'first')
  const count = integer(row, 'count')
  return {
    tallyHash: hex(row, 'tally_hash'),
    first,
    count,
    units: BigInt(integer(row, 'units')),
    receipts: decodeReceipts(blob(row, 'receipts'), count - first).receipts,
  }
}

function toStored(row: Row): StoredSegment {
  const segment: Segment = parseSegmentMessage(JSON.parse(text(row, 'body')))
  return {
    ...toState(row),
    segment,
    segmentHash: hex(row, 'segment_hash'),
    verification: toVerification(text(row, 'verification')),
    claims: integer(row, 'claims'),
    receivedAtMs: integer(row, 'received_at'),
  }
}

function toState(row: Row): SegmentState {
  return {
    tallyHash: hex(row, 'tally_hash'),
    status: segmentStatus.parse(row.status),
    check: row.check_name === null ? null : text(row, 'check_name'),
    transaction: row.transaction_hash === null ? null : hex(row, 'transaction_hash'),
  }
}

function toVerification(value: string): Verification {
  if (value === 'pending' || value === 'done') return value
  throw new OracleError('store.broken', `there is no verification ${value}`)
}

function toCandidate(row: Row): Candidate {
  return {
    tallyHash: hex(row, 'tally_hash'),
    dealId: integer(row, 'deal_id'),
    stream: integer(row, 'stream'),
    worker: integer(row, 'worker'),
    first: integer(row, 'first'),
    count: integer(row, 'count'),
    receiptBytes: integer(row, 'size'),
    units: BigInt(integer(row, 'work')),
    receivedAtMs: integer(row, 'received_at'),
    acknowledged: integer(row, 'acknowledged') === 1,
    check: row.check_name === null ? null : text(row, 'check_name'),
    claims: integer(row, 'claims'),
    wish: segmentWish.parse(JSON.parse(text(row, 'wish'))),
  }
}
