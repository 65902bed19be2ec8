/**
 * Inputs, outputs and programs on disk, each under the root that names it: what is read is what was asked for, or an error.
 *
 * A file appears under its root only once its bytes are on the disk, so a crash leaves no half-written data.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'

import type { Hex } from 'viem'

import { isNamedBy, MAX_CONTENT_BYTES } from '#protocol/content.ts'
import { TallyError } from '#protocol/errors.ts'
import { dataRoot } from '#protocol/merkle.ts'

/** Bytes by root. */
export type DataStore = {
  /**
   * Stores `bytes` durably; storing the same again renews their age.
   *
   * @param root - Root to store them under; their data root where absent.
   * @returns The root.
   * @throws DataStoreError `data.too-large`, `data.full`, or `data.root-mismatch` when the root does not name the bytes.
   */
  put(bytes: Uint8Array, root?: Hex): Promise<Hex>
  /**
   * Reads the bytes of `root`, verified; null when they are not here.
   *
   * @throws DataStoreError `data.corrupt` when the disk gives other bytes; they are set aside so that a new put heals them.
   */
  get(root: Hex): Promise<Uint8Array | null>
  /** Whether bytes are stored under `root`, without reading them. */
  has(root: Hex): boolean
  /** Removes bytes, if they are here. */
  remove(root: Hex): Promise<void>
  /** Removes what was stored or renewed longer than `ageMs` ago; returns how many. */
  prune(ageMs: number): Promise<number>
  /** What is held now. */
  usage(): { readonly items: number; readonly bytes: number }
}

/** Thrown when bytes cannot be kept or given: `data.too-large`, `data.full`, `data.root-mismatch`, `data.corrupt`, `data.invalid-root`. */
export class DataStoreError extends TallyError {
  override readonly name = 'DataStoreError'
}

const rootPattern = /^0x[0-9a-f]{64}$/

/**
 * Opens the store of one directory, which must belong to one process.
 *
 * @param options - `maxBytes`: most bytes held in all, default 1 GiB; `maxItemBytes`: longest item, default 16 MiB.
 */
export async function createDataStore(options: {
  readonly directory: string
  readonly maxBytes?: number
  readonly maxItemBytes?: number
}): Promise<DataStore> {
  const { directory, maxBytes = 1_073_741_824, maxItemBytes = MAX_CONTENT_BYTES } = options
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const sizes = await scan(directory)
  const writing = new Map<Hex, Promise<void>>()
  let held = 0
  for (const size of sizes.values()) held += size

  const pathOf = (root: Hex) => join(directory, root.slice(2, 4), root.slice(2))

  async function store(root: Hex, bytes: Uint8Array): Promise<void> {
    // reserved before the first await: parallel puts must not pass the limit together
    if (held + bytes.length > maxBytes) throw new DataStoreError('data.full', `the store holds ${held} bytes`)
    held += bytes.length
    try {
      await writeDurably(pathOf(root), bytes)
      sizes.set(root, bytes.length)
    } catch (error) {
      held -= bytes.length
      throw error
    }
  }

  function forget(root: Hex): void {
    held -= sizes.get(root) ?? 0
    sizes.delete(root)
  }

  async function remove(root: Hex): Promise<void> {
    await writing.get(root)
    if (!sizes.has(root)) return
    await rm(pathOf(root), { force: true })
    forget(root)
  }

  return {
    async put(bytes, named) {
      if (bytes.length > maxItemBytes)
        throw new DataStoreError('data.too-large', `${bytes.length} > ${maxItemBytes} bytes`)
      const root = named ?? dataRoot(bytes)
      if (named !== undefined && !isNamedBy(root, bytes)) {
        throw new DataStoreError('data.root-mismatch', `the bytes are not those of ${root}`)
      }
      const pending = writing.get(root)
      if (pending !== undefined) {
        await pending
      } else if (sizes.has(root)) {
        const now = new Date()
        await utimes(pathOf(root), now, now)
      } else {
        const write = store(root, bytes).finally(() => writing.delete(root))
        writing.set(root, write)
        await write
      }
      return root
    },

    async get(root) {
      if (!rootPattern.test(root))
        throw new DataStoreError('data.invalid-root', 'a root is 0x and 64 lower-case digits')
      await writing.get(root)
      if (!sizes.has(root)) return null
      const bytes = await readFile(pathOf(root))
      if (isNamedBy(root, bytes)) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      await rename(pathOf(root), `${pathOf(root)}.corrupt`)
      forget(root)
      throw new DataStoreError('data.corrupt', `the disk gave other bytes for ${root}`)
    },

    has: (root) => sizes.has(root),

    remove,

    async prune(ageMs) {
      const before = Date.now() - ageMs
      let removed = 0
      for (const root of [...sizes.keys()]) {
        if ((await stat(pathOf(root))).mtimeMs > before) continue
        await remove(root)
        removed += 1
      }
      return removed
    },

    usage: () => ({ items: sizes.size, bytes: held }),
  }
}

/** Sizes of what is stored; removes what a crash left half-written. */
async function scan(directory: string): Promise<Map<Hex, number>> {
  const sizes = new Map<Hex, number>()
  for (const folder of await readdir(directory, { withFileTypes: true })) {
    if (!folder.isDirectory() || !/^[0-9a-f]{2}$/.test(folder.name)) continue
    const path = join(directory, folder.name)
    for (const name of await readdir(path)) {
      const root: Hex = `0x${name}`
      if (rootPattern.test(root)) sizes.set(root, (await stat(join(path, name))).size)
      else if (name.endsWith('.part')) await rm(join(path, name), { force: true })
    }
  }
  return sizes
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const folder = join(path, '..')
  const part = `${path}.${randomUUID()}.part`
  await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    const file = await open(part, 'wx', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
  await syncFolder(folder)
}

/** Makes a rename durable; Windows cannot open folders and needs it not. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
