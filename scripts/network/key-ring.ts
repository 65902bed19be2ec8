/**
 * Random keys of one run: a file each that only its owner may read, in the folder of the process it is for.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { type Key, writePlainKey } from '#runtime/keystore.ts'

/** A key and where it lies. */
export type KeyFile = Key & { readonly file: string }

/** Makes keys under one folder. */
export type KeyRing = {
  /** A new key in `<folder>/<owner>/<name>.key`. */
  make(owner: string, name: string): Promise<KeyFile>
  /** Where that key lies. */
  fileOf(owner: string, name: string): string
}

/** Creates the ring of one folder. */
export function createKeyRing(folder: string): KeyRing {
  const fileOf = (owner: string, name: string) => join(folder, owner, `${name}.key`)
  return {
    fileOf,
    async make(owner, name) {
      const directory = join(folder, owner)
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const file = fileOf(owner, name)
      const key = await writePlainKey(file, `0x${randomBytes(32).toString('hex')}`)
      return { ...key, file }
    },
  }
}
