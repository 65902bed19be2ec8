/**
 * Files that the commands about provable programs read and write.
 *
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises'

import { type Image, loadElf } from '#protocol/vm/elf.ts'

import { reasonOf } from './chain.ts'
import { CliError } from './errors.ts'

/** @throws CliError `cli.unreadable-file`. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return Uint8Array.from(await readFile(path))
  } catch (error) {
    throw new CliError('cli.unreadable-file', `${path} cannot be read: ${reasonOf(error)}`, { cause: error })
  }
}

/** @throws CliError `cli.unwritable-file`. */
export async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes)
  } catch (error) {
    throw new CliError('cli.unwritable-file', `${path} cannot be written: ${reasonOf(error)}`, { cause: error })
  }
}

/**
 * A program's file and what it holds.
 *
 * @throws CliError `cli.unreadable-file`; ProgramError when the machine does not run it.
 */
export async function readProgram(path: string): Promise<{ readonly elf: Uint8Array; readonly image: Image }> {
  const elf = await readBytes(path)
  return { elf, image: loadElf(elf) }
}
