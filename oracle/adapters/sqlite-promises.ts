/**
 * Promises this member signed, in SQLite.
 *
 * @module
 */
import type { PromiseStore } from '../ports.ts'
import { type Database, hex, integer } from './sqlite-database.ts'

/** Creates the promises' store on an open database. */
export function createPromiseStore(database: Database): PromiseStore {
  return {
    keep(tallyHash, { epoch, member, before, signature }) {
      database.run(
        'insert or ignore into promises (tally_hash, epoch, member, before, signature) values (?, ?, ?, ?, ?)',
        ...[tallyHash, epoch, member, before, signature],
      )
    },

    of(tallyHash) {
      const row = database.one('select * from promises where tally_hash = ?', tallyHash)
      if (row === null) return null
      return {
        epoch: integer(row, 'epoch'),
        member: integer(row, 'member'),
        before: integer(row, 'before'),
        signature: hex(row, 'signature'),
      }
    },
  }
}
