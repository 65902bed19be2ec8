/**
 * Promises of committee members, kept beside the tallies they are about: what a censored worker shows.
 *
 * @module
 */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'

import type { Hex } from 'viem'

import { WorkerError } from '../errors.ts'
import type { KeptPromise, StreamRef } from '../rows.ts'

/** The part of the worker's store that keeps promises. */
export type PromiseRows = {
  /** Keeps a member's first promise about a tally. */
  keepPromise(promise: Omit<KeptPromise, 'id'>): void
  /** Whether this member promised exactly this tally. */
  hasPromise(promise: Pick<KeptPromise, 'dealKey' | 'stream' | 'first' | 'count' | 'epoch' | 'member'>): boolean
  /** By rising number, from `from` on. */
  promises(from: number, limit: number): readonly KeptPromise[]
  /**
   * Of promises whose time is over at `clock` and whose tally would move a stream that stands at `cursor`, one of the
   * tally that reaches furthest.
   */
  brokenPromise(ref: StreamRef, cursor: number, clock: number): KeptPromise | null
}

/** Reads and writes promises in an open store. */
export function createPromiseRows(db: DatabaseSync): PromiseRows {
  const keep = db.prepare(
    `INSERT INTO promises (deal_key, stream, first, count, epoch, member, before, signature)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  )
  const has = db.prepare(
    'SELECT 1 FROM promises WHERE deal_key = ? AND stream = ? AND first = ? AND count = ? AND epoch = ? AND member = ?',
  )
  const all = db.prepare('SELECT * FROM promises WHERE id >= ? ORDER BY id LIMIT ?')
  const broken = db.prepare(
    `SELECT * FROM promises WHERE deal_key = ? AND stream = ? AND first <= ? AND count > ? AND before < ?
     ORDER BY count DESC, first DESC, before LIMIT 1`,
  )
  return {
    keepPromise({ dealKey, stream, first, count, epoch, member, before, signature }) {
      keep.run(dealKey, stream, first, count, epoch, member, before, signature)
    },
    hasPromise: ({ dealKey, stream, first, count, epoch, member }) =>
      has.get(dealKey, stream, first, count, epoch, member) !== undefined,
    promises: (from, limit) => all.all(from, limit).map(toPromise),
    brokenPromise({ dealKey, stream }, cursor, clock) {
      const row = broken.get(dealKey, stream, cursor, cursor, clock)
      return row === undefined ? null : toPromise(row)
    },
  }
}

function toPromise(row: Record<string, SQLOutputValue>): KeptPromise {
  const int = (column: string) => Number(row[column])
  return {
    ...{ id: int('id'), dealKey: hex(row.deal_key), stream: int('stream'), first: int('first'), count: int('count') },
    ...{ epoch: int('epoch'), member: int('member'), before: int('before'), signature: hex(row.signature) },
  }
}

function hex(value: SQLOutputValue | undefined): Hex {
  if (typeof value === 'string' && value.startsWith('0x')) return `0x${value.slice(2)}`
  throw new WorkerError('store.corrupt', 'a promise holds no hash')
}
