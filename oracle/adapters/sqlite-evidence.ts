/**
 * Refused segments that prove something against their worker, in SQLite.
 *
 * @module
 */
import type { Hex } from 'viem'

import { decodeReceipts } from '#protocol/receipts.ts'
import type { Conflict, SignedSegment } from '#protocol/wire.ts'
import { parseSegmentMessage, signedSegment, toWire } from '#protocol/wire.ts'
import type { Segment } from '../domain/segment.ts'
import type { EvidenceStore } from '../ports.ts'
import { blob, type Database, hex, integer, type Row, text } from './sqlite-database.ts'

/** Kept of one kind and stream: a worker can sign nonsense without end, and one would do. */
const KEPT_OF_A_KIND = 8
/** The other segment of evidence that has none. */
const NONE = ''

/** Creates the evidence's store on an open database. */
export function createEvidenceStore(database: Database): EvidenceStore {
  /** The accepted segment that bills one of these tasks, if the member still knows what it bills. */
  function billing({ dealKey, receipts }: Segment): Hex | null {
    const tasks = JSON.stringify(receipts.map(({ order }) => order.index.toString()))
    const row = database.one(
      `select s.tally_hash from segments s, json_each(s.body, '$.receipts') r
       where s.deal_key = ? and s.status <> 'refused'
         and json_extract(r.value, '$.order.index') in (select value from json_each(?)) limit 1`,
      dealKey,
      tasks,
    )
    return row === null ? null : hex(row, 'tally_hash')
  }

  function accepted(tallyHash: string): SignedSegment | null {
    if (tallyHash === NONE) return null
    const row = database.one(
      'select body, receipts, first, count, pruned from segments where tally_hash = ?',
      tallyHash,
    )
    return row === null ? null : stored(row)
  }

  return {
    keep({ check, left, right }) {
      const { dealKey, stream } = right
      const known = database.one(
        'select count(*) as n from evidence where deal_key = ? and stream = ? and check_name = ?',
        ...[dealKey, stream, check],
      )
      if (integer(known, 'n') >= KEPT_OF_A_KIND) return
      const other = left ?? (check === 'task.duplicate' ? billing(right) : null)
      database.run(
        `insert or ignore into evidence (deal_key, stream, left_hash, right_hash, body, check_name)
         values (?, ?, ?, ?, ?, ?)`,
        ...[dealKey, stream, other ?? NONE, right.signature, JSON.stringify(toWire(right)), check],
      )
    },

    list: ({ from, limit }) =>
      database.all('select * from evidence where id >= ? order by id limit ?', from, limit).map(
        (row): Conflict => ({
          id: integer(row, 'id'),
          check: text(row, 'check_name'),
          left: accepted(text(row, 'left_hash')),
          right: shown(parseSegmentMessage(JSON.parse(text(row, 'body')))),
        }),
      ),

    signed: accepted,

    count: () => integer(database.one('select count(*) as n from evidence'), 'n'),
  }
}

/** A stored segment; of a pruned one nobody knows any more what its receipts were made of. */
function stored(row: Row): SignedSegment {
  const body: unknown = JSON.parse(text(row, 'body'))
  if (integer(row, 'pruned') === 0) return shown(parseSegmentMessage(body))
  const { receipts } = decodeReceipts(blob(row, 'receipts'), integer(row, 'count') - integer(row, 'first'))
  return signedSegment.parse({ ...(body as object), receipts: toWire(receipts) })
}

function shown({ wish: _, receipts, ...tally }: Segment): SignedSegment {
  return { ...tally, receipts: receipts.map(({ units, workHash, ...work }) => ({ units, workHash, work })) }
}
