/**
 * The worker's memory: every order, receipt and tally, on the disk before anything that follows from it leaves.
 *
 * A receipt's place in its stream and its task are unique, rows are never changed, and a tally is built from the rows
 * inside the transaction that stores it. So whatever a crash interrupts, two tallies of this store never contradict.
 *
 * @module
 */
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'

import type { Address, Hex } from 'viem'

import { tallyHash } from '#protocol/eip712.ts'
import { encodeReceipts, segmentHash } from '#protocol/receipts.ts'
import type { Tally } from '#protocol/types.ts'

import { createPromiseRows, type PromiseRows } from './adapters/promise-rows.ts'
import { SCHEMA, SCHEMA_VERSION, UPGRADES } from './adapters/schema.ts'
import { WorkerError } from './errors.ts'
import type { Outcome, SignedOrder, SignedTally, StoredReceipt, StreamHead, StreamRef } from './rows.ts'

/** For whom a store is: it signs for one worker on one deployment. */
export type StoreIdentity = { readonly chainId: number; readonly settlement: Address; readonly worker: Address }

/** An order, where it belongs, and the small id that routes the stream's groups. */
export type PlacedOrder = { readonly order: SignedOrder; readonly stream: number; readonly dealId: number }

/** The worker's memory. */
export type WorkerStore = PromiseRows & {
  readonly identity: StoreIdentity
  /** Every stream ever opened. */
  streams(): readonly (StreamRef & { readonly dealId: number })[]
  /**
   * Whether exactly this order is kept.
   *
   * @throws WorkerError `order.conflict` when another order of the same index was taken before.
   */
  hasOrder(order: SignedOrder): boolean
  /**
   * Keeps orders with the stream each belongs to; all or none.
   *
   * @throws WorkerError `order.conflict` as {@link WorkerStore.hasOrder}.
   */
  addOrders(orders: readonly PlacedOrder[]): void
  /** Orders of a stream without a receipt, by rising index. */
  openOrders(ref: StreamRef, limit: number): readonly SignedOrder[]
  /** Orders of a deal without a receipt. */
  countOpenOrders(dealKey: Hex): number
  /** Highest order index taken of a deal, or null. */
  highestOrder(dealKey: Hex): bigint | null
  /**
   * Appends a receipt to its stream.
   *
   * @throws WorkerError `store.task-billed` when the task has one already, `store.unknown-order` without an order.
   */
  appendReceipt(ref: StreamRef, index: bigint, outcome: Outcome): StoredReceipt
  /** Receipts at positions `first` to `count` (exclusive). */
  receipts(ref: StreamRef, first: number, count: number): readonly StoredReceipt[]
  /** The receipt a work hash stands for, or null. */
  receiptOf(workHash: Hex): StoredReceipt | null
  /** Where a stream stands. */
  head(ref: StreamRef): StreamHead
  /** Units of a stream's first `count` receipts; null when it has fewer. */
  unitsAt(ref: StreamRef, count: number): bigint | null
  /**
   * Signs the receipts `first` to `count`, or returns the tally signed for them before.
   *
   * @throws WorkerError `store.missing-receipts` when one of them does not exist.
   */
  signTally(ref: StreamRef, first: number, count: number, sign: (tally: Tally) => Hex): SignedTally
  /** The tally signed for exactly these receipts, or null. */
  signedTally(ref: StreamRef, first: number, count: number): SignedTally | null
  /** The signed tally of a stream that reaches furthest among those starting at or before `cursor`. */
  latestTally(ref: StreamRef, cursor: number): SignedTally | null
  close(): void
}

type Row = Record<string, SQLOutputValue>

/**
 * Opens or creates a store.
 *
 * @param options - `identity` may be absent for a store that exists; `readOnly` opens it beside a running worker.
 * @throws WorkerError `store.foreign` when it belongs to another worker or deployment, `store.version`, `store.missing`.
 */
export function createWorkerStore(options: {
  readonly file: string
  readonly identity?: StoreIdentity
  readonly readOnly?: boolean
}): WorkerStore {
  const db = open(options.file, options.readOnly ?? false)
  const identity = settle(db, options.identity, options.readOnly ?? false)
  const statements = prepare(db)

  function inTransaction<T>(work: () => T): T {
    db.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      db.exec('COMMIT')
      return result
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }

  function head(ref: StreamRef): StreamHead {
    const row = statements.head.get(ref.dealKey, ref.stream)
    return row === undefined
      ? { count: 0, units: 0n }
      : { count: int(row, 'position') + 1, units: big(row, 'total_units') }
  }

  function receipts(ref: StreamRef, first: number, count: number): StoredReceipt[] {
    return statements.receipts.all(ref.dealKey, ref.stream, first, count).map((row) => toReceipt(ref.dealKey, row))
  }

  function hasOrder(order: SignedOrder): boolean {
    const known = statements.order.get(order.dealKey, pad(order.index))
    if (known === undefined) return false
    const isSame = hex(known, 'input_root') === order.inputRoot && big(known, 'max_units') === order.maxUnits
    if (!isSame) throw new WorkerError('order.conflict', `task ${order.index} was ordered with other terms before`)
    return true
  }

  return {
    identity,
    ...createPromiseRows(db),

    streams: () =>
      statements.streams.all().map((row) => ({
        dealKey: hex(row, 'deal_key'),
        stream: int(row, 'stream'),
        dealId: int(row, 'deal_id'),
      })),

    hasOrder,

    addOrders: (orders) =>
      inTransaction(() => {
        for (const { order, stream, dealId } of orders) {
          if (hasOrder(order)) continue
          const { dealKey, index, inputRoot, maxUnits, signature } = order
          statements.openStream.run(dealKey, stream, dealId)
          statements.addOrder.run(dealKey, pad(index), stream, inputRoot, maxUnits, signature)
        }
      }),

    openOrders: (ref, limit) =>
      statements.openOrders.all(ref.dealKey, ref.stream, limit).map((row) => toOrder(ref.dealKey, row)),

    countOpenOrders: (dealKey) => int(statements.countOpenOrders.get(dealKey) ?? {}, 'count'),

    highestOrder(dealKey) {
      const row = statements.highestOrder.get(dealKey)
      return row === undefined ? null : BigInt(text(row, 'task_index'))
    },

    appendReceipt: (ref, index, outcome) =>
      inTransaction(() => {
        const order = statements.order.get(ref.dealKey, pad(index))
        if (order === undefined || int(order, 'stream') !== ref.stream) {
          throw new WorkerError('store.unknown-order', `task ${index} was not ordered on stream ${ref.stream}`)
        }
        if (statements.receiptOfTask.get(ref.dealKey, pad(index)) !== undefined) {
          throw new WorkerError('store.task-billed', `task ${index} has a receipt`)
        }
        const { count: position, units } = head(ref)
        const totalUnits = units + outcome.units
        statements.addReceipt.run(
          ...[ref.dealKey, ref.stream, position, pad(index), outcome.units, totalUnits],
          ...[outcome.workHash, outcome.outputRoot, outcome.plainHash, outcome.startedAt, outcome.endedAt],
          outcome.finalState,
        )
        return { ...outcome, position, totalUnits, order: toOrder(ref.dealKey, order) }
      }),

    receipts,
    receiptOf(workHash) {
      const row = statements.receiptOfWork.get(workHash)
      return row === undefined ? null : toReceipt(hex(row, 'deal_key'), row)
    },
    head,

    unitsAt(ref, count) {
      if (count === 0) return 0n
      const row = statements.unitsAt.get(ref.dealKey, ref.stream, count - 1)
      return row === undefined ? null : big(row, 'total_units')
    },

    signTally: (ref, first, count, sign) =>
      inTransaction(() => {
        const signed = statements.tally.get(ref.dealKey, ref.stream, first, count)
        if (signed !== undefined) return toTally(ref, signed)
        const tally = buildTally(ref, first, count, receipts(ref, first, count))
        const hash = tallyHash(tally)
        const signature = sign(tally)
        statements.addTally.run(
          ...[ref.dealKey, ref.stream, first, count, tally.units, tally.segment],
          ...[hash, signature],
        )
        return { ...tally, hash, signature }
      }),

    signedTally(ref, first, count) {
      const row = statements.tally.get(ref.dealKey, ref.stream, first, count)
      return row === undefined ? null : toTally(ref, row)
    },

    latestTally(ref, cursor) {
      const row = statements.latestTally.get(ref.dealKey, ref.stream, cursor, cursor)
      return row === undefined ? null : toTally(ref, row)
    },

    close: () => db.close(),
  }
}

function buildTally(ref: StreamRef, first: number, count: number, rows: readonly StoredReceipt[]): Tally {
  const last = rows.at(-1)
  if (last === undefined || rows.length !== count - first || rows[0]?.position !== first) {
    throw new WorkerError('store.missing-receipts', `stream ${ref.stream} has no receipts ${first} to ${count}`)
  }
  return { ...ref, first, count, units: last.totalUnits, segment: segmentHash(encodeReceipts(rows)) }
}

function open(file: string, readOnly: boolean): DatabaseSync {
  try {
    const db = new DatabaseSync(file, { readOnly, timeout: 5_000, enableForeignKeyConstraints: true })
    // FULL: a commit has reached the disk when it returns, which every promise of this module stands on
    if (!readOnly) db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
    return db
  } catch (cause) {
    throw new WorkerError(readOnly ? 'store.missing' : 'store.unusable', `${file} cannot be opened`, { cause })
  }
}

/** Creates the tables of an empty store; else checks that the store is this worker's. */
function settle(db: DatabaseSync, wanted: StoreIdentity | undefined, readOnly: boolean): StoreIdentity {
  if (!readOnly) upgrade(db)
  const version = int(db.prepare('PRAGMA user_version').get() ?? {}, 'user_version')
  if (version === 0 && !readOnly && wanted !== undefined) {
    db.exec(`BEGIN IMMEDIATE; ${SCHEMA}`)
    db.prepare('INSERT INTO identity VALUES (1, ?, ?, ?)').run(wanted.chainId, wanted.settlement, wanted.worker)
    db.exec('COMMIT')
  } else if (version !== SCHEMA_VERSION) {
    throw new WorkerError('store.version', `the store's version is ${version}, this reads ${SCHEMA_VERSION}`)
  }
  const row = db.prepare('SELECT * FROM identity').get() ?? {}
  const found = { chainId: int(row, 'chain_id'), settlement: hex(row, 'settlement'), worker: hex(row, 'worker') }
  if (wanted !== undefined && nameOf(found) !== nameOf(wanted)) {
    throw new WorkerError('store.foreign', `the store is of ${nameOf(found)}, this is ${nameOf(wanted)}`)
  }
  return found
}

function upgrade(db: DatabaseSync): void {
  const version = int(db.prepare('PRAGMA user_version').get() ?? {}, 'user_version')
  const statements = UPGRADES[version]
  if (statements === undefined) return
  db.exec(`BEGIN IMMEDIATE; ${statements} COMMIT`)
  upgrade(db)
}

function nameOf(identity: StoreIdentity): string {
  return `worker ${identity.worker} on ${identity.chainId}:${identity.settlement}`.toLowerCase()
}

function prepare(db: DatabaseSync) {
  const receipt =
    'SELECT r.*, o.input_root, o.max_units, o.signature FROM receipts r JOIN orders o USING (deal_key, task_index)'
  const isOpen = 'NOT EXISTS (SELECT 1 FROM receipts r WHERE r.deal_key = o.deal_key AND r.task_index = o.task_index)'
  const all = {
    openStream: 'INSERT INTO streams VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    streams: 'SELECT * FROM streams ORDER BY deal_id, stream',
    order: 'SELECT * FROM orders WHERE deal_key = ? AND task_index = ?',
    addOrder: 'INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)',
    openOrders: `SELECT * FROM orders o WHERE deal_key = ? AND stream = ? AND ${isOpen} ORDER BY task_index LIMIT ?`,
    countOpenOrders: `SELECT count(*) AS count FROM orders o WHERE deal_key = ? AND ${isOpen}`,
    highestOrder: 'SELECT task_index FROM orders WHERE deal_key = ? ORDER BY task_index DESC LIMIT 1',
    receiptOfTask: 'SELECT position FROM receipts WHERE deal_key = ? AND task_index = ?',
    addReceipt: 'INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    receipts: `${receipt} WHERE r.deal_key = ? AND r.stream = ? AND r.position >= ? AND r.position < ? ORDER BY r.position`,
    receiptOfWork: `${receipt} WHERE r.work_hash = ? LIMIT 1`,
    head: 'SELECT position, total_units FROM receipts WHERE deal_key = ? AND stream = ? ORDER BY position DESC LIMIT 1',
    unitsAt: 'SELECT total_units FROM receipts WHERE deal_key = ? AND stream = ? AND position = ?',
    tally: 'SELECT * FROM tallies WHERE deal_key = ? AND stream = ? AND first = ? AND count = ?',
    addTally: 'INSERT INTO tallies VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    latestTally:
      'SELECT * FROM tallies WHERE deal_key = ? AND stream = ? AND first <= ? AND count > ? ORDER BY count DESC, first DESC LIMIT 1',
  } as const
  const prepared = Object.entries(all).map(([name, sql]) => {
    const statement = db.prepare(sql)
    statement.setReadBigInts(true)
    return [name, statement]
  })
  return Object.fromEntries(prepared) as Record<keyof typeof all, ReturnType<DatabaseSync['prepare']>>
}

/** Twenty digits hold every uint64, and sort as text the way numbers do. */
function pad(index: bigint): string {
  return index.toString().padStart(20, '0')
}

function toOrder(dealKey: Hex, row: Row): SignedOrder {
  return {
    dealKey,
    index: BigInt(text(row, 'task_index')),
    inputRoot: hex(row, 'input_root'),
    maxUnits: big(row, 'max_units'),
    signature: hex(row, 'signature'),
  }
}

function toReceipt(dealKey: Hex, row: Row): StoredReceipt {
  return {
    position: int(row, 'position'),
    units: big(row, 'units'),
    totalUnits: big(row, 'total_units'),
    workHash: hex(row, 'work_hash'),
    outputRoot: hex(row, 'output_root'),
    plainHash: hex(row, 'plain_hash'),
    startedAt: big(row, 'started_at'),
    endedAt: big(row, 'ended_at'),
    finalState: row.final_state === null ? null : hex(row, 'final_state'),
    order: toOrder(dealKey, row),
  }
}

function toTally(ref: StreamRef, row: Row): SignedTally {
  return {
    ...ref,
    first: int(row, 'first'),
    count: int(row, 'count'),
    units: big(row, 'units'),
    segment: hex(row, 'segment'),
    hash: hex(row, 'hash'),
    signature: hex(row, 'signature'),
  }
}

function text(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new WorkerError('store.corrupt', `column ${column} holds no text`)
  return value
}

function hex(row: Row, column: string): Hex {
  const value = text(row, column)
  if (!value.startsWith('0x')) throw new WorkerError('store.corrupt', `column ${column} holds no hash`)
  return `0x${value.slice(2)}`
}

function big(row: Row, column: string): bigint {
  const value = row[column]
  if (typeof value !== 'bigint' && typeof value !== 'number') {
    throw new WorkerError('store.corrupt', `column ${column} holds no number`)
  }
  return BigInt(value)
}

function int(row: Row, column: string): number {
  return Number(big(row, column))
}
