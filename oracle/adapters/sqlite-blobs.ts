/**
 * Which blobs this member keeps or ought to, in SQLite; their bytes are files.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { BlobStore } from '../ports.ts'
import { type Database, hex, integer } from './sqlite-database.ts'

/** Not named by the chain in time, nor by a batch or transaction that may still get there. */
const EXPIRED = `on_chain = 0 and until_ms <= ? and versioned_hash not in (
  select named.value from batches, json_each(batches.blobs) as named where batches.state in ('ready', 'sent')
  union select named.value from transactions, json_each(transactions.blobs) as named
    where transactions.state in ('sent', 'mined', 'reverted'))`

/** Creates the blobs' store on an open database. */
export function createBlobStore(database: Database): BlobStore {
  return {
    find(versionedHash) {
      const row = database.one('select root, on_chain from blobs where versioned_hash = ?', versionedHash)
      if (row === null) return null
      return { root: row.root === null ? null : hex(row, 'root'), onChain: integer(row, 'on_chain') === 1 }
    },

    hold({ versionedHash, root, untilMs }) {
      database.run(
        `insert into blobs (versioned_hash, root, on_chain, until_ms) values (?, ?, 0, ?)
         on conflict (versioned_hash) do update set root = excluded.root, until_ms = excluded.until_ms`,
        versionedHash,
        root,
        untilMs,
      )
    },

    lose(versionedHash) {
      database.run('update blobs set root = null where versioned_hash = ?', versionedHash)
    },

    missing: (limit, triedBeforeMs) =>
      database
        .all(
          `select versioned_hash from blobs where on_chain = 1 and root is null and tried_at < ?
           order by tried_at, rowid limit ?`,
          triedBeforeMs,
          limit,
        )
        .map((row) => hex(row, 'versioned_hash')),

    tried(versionedHash, nowMs) {
      database.run('update blobs set tried_at = ? where versioned_hash = ?', nowMs, versionedHash)
    },

    expire: (nowMs) =>
      database.atomically(() => {
        const rows = database.all(`select root from blobs where ${EXPIRED}`, nowMs)
        database.run(`delete from blobs where ${EXPIRED}`, nowMs)
        return rows.flatMap((row) => (row.root === null ? [] : [hex(row, 'root')]))
      }),

    counts() {
      const row = database.one(
        `select coalesce(sum(on_chain = 1 and root is not null), 0) as kept,
           coalesce(sum(on_chain = 1 and root is null), 0) as missing, coalesce(sum(on_chain = 0), 0) as waiting from blobs`,
      )
      return { kept: integer(row, 'kept'), missing: integer(row, 'missing'), waiting: integer(row, 'waiting') }
    },
  }
}

/** Notes blobs that came with a settled batch; those not held are missing from now on. */
export function noteOnChain(database: Database, versionedHashes: readonly Hex[]): void {
  for (const versionedHash of versionedHashes) {
    database.run(
      `insert into blobs (versioned_hash, root, on_chain, until_ms) values (?, null, 1, 0)
       on conflict (versioned_hash) do update set on_chain = 1`,
      versionedHash,
    )
  }
}
