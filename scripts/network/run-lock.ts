/**
 * One local network per checkout: two would write over each other's keys and records.
 *
 * @module
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Claims a folder for this process.
 *
 * @returns Gives it back.
 * @throws Error when a living process has it.
 */
export function claimFolder(folder: string): () => void {
  const file = join(folder, 'network.lock')
  mkdirSync(folder, { recursive: true })
  const owner = ownerOf(file)
  if (owner !== null) throw new Error(`a local network runs already as process ${owner}: end it first, or remove ${file} if it does not`)
  rmSync(file, { force: true })
  // fails if another process was faster
  writeFileSync(file, String(process.pid), { flag: 'wx' })
  return () => rmSync(file, { force: true })
}

function ownerOf(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    process.kill(pid, 0)
    return pid
  } catch {
    return null
  }
}
