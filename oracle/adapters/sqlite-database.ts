/**
 * One SQLite file of one member: schema, durability, and small helpers for the stores built on it.
 *
 * WAL with synchronous=FULL: a commit returns after its bytes are on the disk. The file is locked by the process that
 * opened it, so two processes can never use one gas key's nonces.
 *
 * @module
 */
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite'

import { OracleError } from '../errors.ts'

/** A row as SQLite gives it. */
export type Row = Record<string, SQLOutputValue>

/** An open database. */
export type Database = {
  run(sql: string, ...values: SQLInputValue[]): number
  one(sql: string, ...values: SQLInputValue[]): Row | null
  all(sql: string, ...values: SQLInputValue[]): Row[]
  /** Runs `work` in one transaction: all of it is durable when this returns, or none of it happened. */
  atomically<T>(work: () => T): T
  close(): void
}

const schema = `
create table if not exists meta (key text primary key, value text not null) without rowid;

create table if not exists segments (
  tally_hash text primary key, deal_id integer not null, deal_key text not null, stream integer not null,
  first integer not null, count integer not null, units integer not null, segment_hash text not null,
  receipts blob not null, body text not null,
  status text not null, check_name text, verification text not null, claims integer not null default 0,
  transaction_hash text, batch_id integer, batched_until integer, received_at integer not null,
  tried_at integer not null default 0, pruned integer not null default 0
);
create index if not exists segments_stream on segments (deal_key, stream, count);
create index if not exists segments_open on segments (status) where status not in ('refused', 'final');
create index if not exists segments_unverified on segments (tried_at, received_at) where verification = 'pending' and status = 'accepted';

create table if not exists task_pages (deal_key text, page text, bits blob not null, primary key (deal_key, page)) without rowid;
create table if not exists evidence (
  id integer primary key, deal_key text not null, stream integer not null, left_hash text not null, right_hash text not null,
  body text not null, unique (left_hash, right_hash)
);

create table if not exists promises (
  tally_hash text primary key, epoch integer not null, member integer not null, before integer not null, signature text not null
) without rowid;

create table if not exists orders (
  deal_key text, task blob, input_root text not null, max_units integer not null, signature text not null,
  primary key (deal_key, task)
) without rowid;
create table if not exists offers (hash text primary key, body text not null);
create table if not exists acknowledgements (
  deal_key text, stream integer, count integer, segment_hash text, signature text not null, units integer,
  primary key (deal_key, stream, count, segment_hash)
) without rowid;

create table if not exists attestations (
  epoch integer, root text, claims integer, signature text not null, primary key (epoch, root, claims)
) without rowid;
create table if not exists signed_groups (
  deal_key text, stream integer, tally_hash text, root text not null, primary key (deal_key, stream, tally_hash, root)
) without rowid;
create index if not exists signed_groups_root on signed_groups (root);

create table if not exists batches (
  id integer primary key autoincrement, lane integer not null, root text not null, data text not null,
  groups text not null, state text not null, reason text
);
create index if not exists batches_ready on batches (state) where state = 'ready';
create index if not exists batches_root on batches (root);

create table if not exists transactions (
  nonce integer primary key, kind text not null, batch_id integer, label text, target text not null, data text not null,
  gas integer not null, state text not null, block_number integer, block_hash text
);
create index if not exists transactions_open on transactions (state) where state in ('sent', 'mined', 'reverted');
create table if not exists attempts (
  hash text primary key, nonce integer not null references transactions (nonce), raw text not null,
  max_fee text not null, max_tip text not null, created_at integer not null
);
create index if not exists attempts_nonce on attempts (nonce);

create table if not exists blocks (number integer primary key, hash text not null, parent_hash text not null, timestamp integer not null);
create table if not exists opened_deals (
  deal_id integer, deal_key text, program text not null, block_number integer not null, block_hash text not null,
  primary key (deal_id, deal_key)
) without rowid;
create table if not exists worker_copies (
  copy integer primary key, worker integer not null, block_number integer not null, block_hash text not null
);
create index if not exists worker_copies_worker on worker_copies (worker);
create table if not exists programs (deal_key text primary key, program text not null) without rowid;
create table if not exists settlements (
  transaction_hash text primary key, root text not null, block_number integer not null, block_hash text not null
) without rowid;
create index if not exists settlements_block on settlements (block_number);

create table if not exists net_events (
  block_number integer, log_index integer, block_hash text not null, fact text not null,
  primary key (block_number, log_index)
) without rowid;

create table if not exists blobs (
  versioned_hash text primary key, root text, on_chain integer not null, until_ms integer not null,
  tried_at integer not null default 0
);
create index if not exists blobs_missing on blobs (tried_at) where on_chain = 1 and root is null;
create index if not exists blobs_waiting on blobs (until_ms) where on_chain = 0;
`

/** Columns that databases made before they existed lack. */
const laterColumns = [
  { table: 'segments', column: 'pruned', definition: 'integer not null default 0' },
  { table: 'segments', column: 'worker', definition: 'integer not null default 0' },
  { table: 'segments', column: 'work', definition: 'integer not null default 0' },
  { table: 'segments', column: 'wish', definition: "text not null default '{}'" },
  { table: 'evidence', column: 'check_name', definition: "text not null default 'equivocation'" },
  { table: 'acknowledgements', column: 'units', definition: 'integer' },
  { table: 'batches', column: 'blobs', definition: "text not null default '[]'" },
  { table: 'batches', column: 'most_gas', definition: 'integer not null default 0' },
  { table: 'transactions', column: 'blobs', definition: "text not null default '[]'" },
  // before there was another kind, only programs of repeatable deals were run
  { table: 'opened_deals', column: 'kind', definition: 'integer not null default 1' },
  { table: 'programs', column: 'kind', definition: 'integer not null default 1' },
  { table: 'attempts', column: 'max_blob_fee', definition: 'text' },
] as const

const laterIndexes = `
create index if not exists segments_prunable on segments (received_at) where pruned = 0 and status in ('refused', 'final');
`

/**
 * Opens or creates the database of one deployment.
 *
 * @param deployment - Identifies chain and contracts; a file of another deployment is refused.
 * @throws OracleError `store.locked`, `store.other-deployment` or `store.broken`.
 */
export function openDatabase(file: string, deployment: string): Database {
  const connection = connect(file)
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>()

  function prepare(sql: string) {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = connection.prepare(sql)
    statements.set(sql, statement)
    return statement
  }

  const database: Database = {
    run: (sql, ...values) => Number(prepare(sql).run(...values).changes),
    one: (sql, ...values) => prepare(sql).get(...values) ?? null,
    all: (sql, ...values) => prepare(sql).all(...values),
    atomically(work) {
      if (connection.isTransaction) return work()
      connection.exec('begin immediate')
      try {
        const result = work()
        connection.exec('commit')
        return result
      } catch (error) {
        if (connection.isTransaction) connection.exec('rollback')
        throw error
      }
    },
    close: () => connection.close(),
  }
  bind(database, deployment)
  return database
}

function connect(file: string): DatabaseSync {
  let connection: DatabaseSync | undefined
  try {
    connection = new DatabaseSync(file)
    connection.exec('pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = full')
    connection.exec(schema)
    for (const { table, column, definition } of laterColumns) {
      const isThere = connection.prepare(`select 1 from pragma_table_info('${table}') where name = ?`).get(column)
      if (isThere === undefined) connection.exec(`alter table ${table} add column ${column} ${definition}`)
    }
    connection.exec(laterIndexes)
    return connection
  } catch (error) {
    connection?.close()
    const locked = error instanceof Error && /locked|busy/i.test(error.message)
    const problem = locked ? 'is in use by another process' : 'cannot be opened'
    throw new OracleError(locked ? 'store.locked' : 'store.broken', `${file} ${problem}`, { cause: error })
  }
}

function bind(database: Database, deployment: string): void {
  database.run(`insert or ignore into meta (key, value) values ('deployment', ?)`, deployment)
  const known = text(database.one(`select value from meta where key = 'deployment'`), 'value')
  if (known === deployment) return
  database.close()
  throw new OracleError('store.other-deployment', `the database belongs to ${known}, not to ${deployment}`)
}

/** A text column; the schema says it is there. @throws OracleError `store.broken` if it is not. */
export function text(row: Row | null, column: string): string {
  const value = row?.[column]
  if (typeof value === 'string') return value
  throw new OracleError('store.broken', `column ${column} holds no text`)
}

/** A hash or other hex column. @throws OracleError `store.broken` if it is not hex. */
export function hex(row: Row | null, column: string): `0x${string}` {
  const value = text(row, column)
  if (isHex(value)) return value
  throw new OracleError('store.broken', `column ${column} holds no hex`)
}

/** A column with a JSON list of hex. @throws OracleError `store.broken` if it is not one. */
export function hexes(row: Row | null, column: string): `0x${string}`[] {
  const values: unknown = JSON.parse(text(row, column))
  if (!Array.isArray(values)) throw new OracleError('store.broken', `column ${column} holds no list`)
  return values.map((value) => hex({ [column]: value }, column))
}

/** An integer column. @throws OracleError `store.broken` if it is not one. */
export function integer(row: Row | null, column: string): number {
  const value = row?.[column]
  if (typeof value === 'number') return value
  throw new OracleError('store.broken', `column ${column} holds no number`)
}

/** A blob column. @throws OracleError `store.broken` if it is not one. */
export function blob(row: Row | null, column: string): Uint8Array {
  const value = row?.[column]
  if (value instanceof Uint8Array) return value
  throw new OracleError('store.broken', `column ${column} holds no bytes`)
}

/** Number of rows by `state` or another column. */
export function countBy(database: Database, table: string, column: string): Record<string, number> {
  const rows = database.all(`select ${column} as name, count(*) as n from ${table} group by ${column}`)
  return Object.fromEntries(rows.map((row) => [text(row, 'name'), integer(row, 'n')]))
}

function isHex(value: string): value is `0x${string}` {
  return value.startsWith('0x')
}
