/**
 * Tables of the worker's store.
 *
 * Receipts, orders and tallies are written once: the database itself refuses to change or remove them, as a changed
 * receipt under a signed tally would be equivocation.
 *
 * @module
 */

/** Raised when the tables change; a store of another version is refused. */
export const SCHEMA_VERSION = 3

const WRITTEN_ONCE = ['orders', 'receipts', 'tallies', 'streams'] as const

/** What members promised about signed tallies. */
const PROMISES = `
CREATE TABLE promises (
  id INTEGER PRIMARY KEY,
  deal_key TEXT NOT NULL,
  stream INTEGER NOT NULL,
  first INTEGER NOT NULL,
  count INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  member INTEGER NOT NULL,
  before INTEGER NOT NULL,
  signature TEXT NOT NULL,
  UNIQUE (deal_key, stream, first, count, epoch, member),
  FOREIGN KEY (deal_key, stream, first, count) REFERENCES tallies (deal_key, stream, first, count)
) STRICT;
`

/** Statements that lead from a store of an older version to the next one. */
export const UPGRADES: Readonly<Record<number, string>> = {
  1: `${PROMISES} PRAGMA user_version = 2;`,
  2: 'ALTER TABLE receipts ADD COLUMN final_state TEXT; PRAGMA user_version = 3;',
}

/** Statements that create the tables of an empty store. Task indexes are 20 decimal digits, so that text order is number order. */
export const SCHEMA = `
CREATE TABLE identity (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  chain_id INTEGER NOT NULL,
  settlement TEXT NOT NULL,
  worker TEXT NOT NULL
) STRICT;
CREATE TABLE streams (
  deal_key TEXT NOT NULL,
  stream INTEGER NOT NULL,
  deal_id INTEGER NOT NULL,
  PRIMARY KEY (deal_key, stream)
) STRICT, WITHOUT ROWID;
CREATE TABLE orders (
  deal_key TEXT NOT NULL,
  task_index TEXT NOT NULL CHECK (length(task_index) = 20),
  stream INTEGER NOT NULL,
  input_root TEXT NOT NULL,
  max_units INTEGER NOT NULL,
  signature TEXT NOT NULL,
  PRIMARY KEY (deal_key, task_index)
) STRICT, WITHOUT ROWID;
CREATE TABLE receipts (
  deal_key TEXT NOT NULL,
  stream INTEGER NOT NULL,
  position INTEGER NOT NULL CHECK (position >= 0),
  task_index TEXT NOT NULL,
  units INTEGER NOT NULL CHECK (units > 0),
  total_units INTEGER NOT NULL CHECK (total_units >= units),
  work_hash TEXT NOT NULL,
  output_root TEXT NOT NULL,
  plain_hash TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  final_state TEXT,
  PRIMARY KEY (deal_key, stream, position),
  UNIQUE (deal_key, task_index),
  FOREIGN KEY (deal_key, task_index) REFERENCES orders (deal_key, task_index),
  FOREIGN KEY (deal_key, stream) REFERENCES streams (deal_key, stream)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipts_by_work ON receipts (work_hash);
CREATE TABLE tallies (
  deal_key TEXT NOT NULL,
  stream INTEGER NOT NULL,
  first INTEGER NOT NULL,
  count INTEGER NOT NULL CHECK (count > first),
  units INTEGER NOT NULL,
  segment TEXT NOT NULL,
  hash TEXT NOT NULL,
  signature TEXT NOT NULL,
  PRIMARY KEY (deal_key, stream, first, count)
) STRICT, WITHOUT ROWID;
${PROMISES}
${WRITTEN_ONCE.flatMap((table) => [
  `CREATE TRIGGER ${table}_keep BEFORE DELETE ON ${table} BEGIN SELECT RAISE(ABORT, '${table} are written once'); END;`,
  `CREATE TRIGGER ${table}_same BEFORE UPDATE ON ${table} BEGIN SELECT RAISE(ABORT, '${table} are written once'); END;`,
]).join('\n')}
PRAGMA user_version = ${SCHEMA_VERSION};
`
