/**
 * What a node did with one key, on the disk before it does it: commitments with their salts, and every transaction with
 * its signed bytes, so that after a restart the same bytes are sent again and nothing is done twice.
 *
 * @module
 */
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'

import type { Hex } from 'viem'

import { TallyError } from '#protocol/errors.ts'

/** Thrown when a file is no store of this key's; `code` is `acts.store`. */
export class ActStoreError extends TallyError {
  override readonly name = 'ActStoreError'

  constructor(problem: string, options?: ErrorOptions) {
    super('acts.store', problem, options)
  }
}

/** One thing to do on chain, by a name that is the same after a restart. */
export type StoredAct = {
  readonly name: string
  readonly nonce: number
  readonly raw: Hex
  readonly hash: Hex
  /** `failed`: the chain refused it; it is not tried again before `retryAt`, unix ms. */
  readonly state: 'sent' | 'done' | 'failed'
  readonly retryAt: number
}

/** The memory of a key's deeds. */
export type ActStore = {
  /** Salt of the commitment to some evidence; the same for ever. */
  salt(evidence: Hex, fresh: () => Hex): Hex
  act(name: string): StoredAct | null
  /** Keeps a signed transaction before it is sent. */
  sending(act: Pick<StoredAct, 'name' | 'nonce' | 'raw' | 'hash'>): void
  finished(name: string, state: 'done' | 'failed', retryAt: number): void
  /** Transactions whose end is not known, by nonce. */
  open(): StoredAct[]
  close(): void
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS salts (evidence TEXT PRIMARY KEY, salt TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acts (
  name TEXT PRIMARY KEY, nonce INTEGER NOT NULL, raw TEXT NOT NULL, hash TEXT NOT NULL, state TEXT NOT NULL,
  retry_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
`

/**
 * Opens or creates the store of one deployment and key.
 *
 * @param identity - Names chain, contracts and key; a file of another one is refused.
 * @throws {@link ActStoreError}.
 */
export function createActStore(file: string, identity: string): ActStore {
  const db = open(file)
  db.prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING').run('identity', identity)
  const known = db.prepare("SELECT value FROM meta WHERE key = 'identity'").get()?.value
  if (known !== identity) {
    db.close()
    throw new ActStoreError(`the store is of ${known}, not of ${identity}`)
  }
  return {
    salt(evidence, fresh) {
      db.prepare('INSERT INTO salts VALUES (?, ?) ON CONFLICT DO NOTHING').run(evidence, fresh())
      return hex(db.prepare('SELECT salt FROM salts WHERE evidence = ?').get(evidence)?.salt)
    },
    act(name) {
      const row = db.prepare('SELECT * FROM acts WHERE name = ?').get(name)
      return row === undefined ? null : toAct(row)
    },
    sending({ name, nonce, raw, hash }) {
      db.prepare('INSERT OR REPLACE INTO acts (name, nonce, raw, hash, state) VALUES (?, ?, ?, ?, ?)').run(
        ...[name, nonce, raw, hash, 'sent'],
      )
    },
    finished(name, state, retryAt) {
      db.prepare('UPDATE acts SET state = ?, retry_at = ? WHERE name = ?').run(state, retryAt, name)
    },
    open: () => db.prepare("SELECT * FROM acts WHERE state = 'sent' ORDER BY nonce").all().map(toAct),
    close: () => db.close(),
  }
}

function open(file: string): DatabaseSync {
  try {
    const db = new DatabaseSync(file)
    // FULL: a commit is on the disk when it returns; exclusive: one key's nonces belong to one process
    db.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${SCHEMA}`)
    return db
  } catch (cause) {
    throw new ActStoreError(`${file} cannot be used as a store of what was sent`, { cause })
  }
}

function toAct(row: Record<string, SQLOutputValue>): StoredAct {
  const { state } = row
  if (state !== 'sent' && state !== 'done' && state !== 'failed') throw new ActStoreError(`state ${state}`)
  return {
    ...{ name: String(row.name), nonce: Number(row.nonce), raw: hex(row.raw), hash: hex(row.hash), state },
    retryAt: Number(row.retry_at),
  }
}

function hex(value: SQLOutputValue | undefined): Hex {
  if (typeof value === 'string' && value.startsWith('0x')) return `0x${value.slice(2)}`
  throw new ActStoreError('a column holds no hex')
}
