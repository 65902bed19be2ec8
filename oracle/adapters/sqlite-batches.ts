/**
 * Batches and own attestations in SQLite.
 *
 * @module
 */
import { OracleError } from '../errors.ts'
import type { BatchState, BatchStore, StoredBatch } from '../ports.ts'
import { countBy, type Database, hex, hexes, integer, type Row, text } from './sqlite-database.ts'
import { toRange } from './sqlite-segments.ts'

/** Creates the batches' store on an open database. */
export function createBatchStore(database: Database): BatchStore {
  const setState = (id: number, state: BatchState, reason: string | null) =>
    database.run('update batches set state = ?, reason = ? where id = ?', state, reason, id)

  return {
    signature(epoch, root, claims) {
      const row = database.one(
        'select signature from attestations where epoch = ? and root = ? and claims = ?',
        epoch,
        root,
        claims,
      )
      return row === null ? null : hex(row, 'signature')
    },

    signedRanges: ({ dealKey, stream }) =>
      database
        .all(
          `select tally_hash, first, count, units, receipts from segments where tally_hash in (
             select tally_hash from signed_groups where deal_key = ? and stream = ?)`,
          dealKey,
          stream,
        )
        .map(toRange),

    sign: ({ epoch, root, claims, signature }, groups, untilMs) =>
      database.atomically(() => {
        database.run(
          'insert or ignore into attestations (epoch, root, claims, signature) values (?, ?, ?, ?)',
          epoch,
          root,
          claims,
          signature,
        )
        for (const { dealKey, stream, tallyHash } of groups) {
          database.run(
            'insert or ignore into signed_groups (deal_key, stream, tally_hash, root) values (?, ?, ?, ?)',
            dealKey,
            stream,
            tallyHash,
            root,
          )
          // shorter tallies of the stream wait as well: the longer one pays what they would
          database.run(
            `update segments set status = 'batched', batched_until = ? where deal_key = ? and stream = ? and status = 'accepted'
               and count <= (select count from segments where tally_hash = ?)`,
            untilMs,
            dealKey,
            stream,
            tallyHash,
          )
        }
      }),

    insert: ({ lane, root, data, groups, blobs, mostGas }) =>
      database.atomically(() => {
        database.run(
          `insert into batches (lane, root, data, groups, blobs, most_gas, state) values (?, ?, ?, ?, ?, ?, 'ready')`,
          lane,
          root,
          data,
          JSON.stringify(groups),
          JSON.stringify(blobs),
          mostGas,
        )
        const id = integer(database.one('select last_insert_rowid() as id'), 'id')
        for (const tallyHash of groups) {
          database.run(
            `update segments set status = 'batched', batch_id = ?, batched_until = null
             where tally_hash = ? and status in ('accepted', 'batched')`,
            id,
            tallyHash,
          )
        }
        return id
      }),

    ready: () => database.all(`select * from batches where state = 'ready' order by id`).map(toBatch),

    get(id) {
      const row = database.one('select * from batches where id = ?', id)
      return row === null ? null : toBatch(row)
    },

    fail: (id, reason) =>
      database.atomically(() => {
        setState(id, 'failed', reason)
        database.run(
          `update segments set status = 'accepted', batch_id = null where batch_id = ? and status = 'batched'`,
          id,
        )
        database.run('update segments set batch_id = null where batch_id = ?', id)
      }),

    sent(id) {
      setState(id, 'sent', null)
    },

    settled: (id) =>
      database.atomically(() => {
        setState(id, 'settled', null)
        // what the chain skipped goes back to the pool; what it applied is 'settled' by now and keeps its batch
        database.run(
          `update segments set status = 'accepted', batch_id = null where batch_id = ? and status = 'batched'`,
          id,
        )
      }),

    release: (nowMs) =>
      database.run(
        `update segments set status = 'accepted', batched_until = null
         where status = 'batched' and batch_id is null and batched_until <= ?`,
        nowMs,
      ),

    counts: () => countBy(database, 'batches', 'state'),
  }
}

function toBatch(row: Row): StoredBatch {
  return {
    id: integer(row, 'id'),
    lane: integer(row, 'lane'),
    root: hex(row, 'root'),
    data: hex(row, 'data'),
    groups: hexes(row, 'groups'),
    blobs: hexes(row, 'blobs'),
    mostGas: integer(row, 'most_gas'),
    state: toState(text(row, 'state')),
  }
}

function toState(value: string): BatchState {
  if (value === 'ready' || value === 'sent' || value === 'settled' || value === 'failed') return value
  throw new OracleError('store.broken', `there is no batch state ${value}`)
}
