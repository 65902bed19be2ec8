/**
 * What bytes a root may name, said once for everybody who stores, serves or fetches them: content by its data root, a
 * provable program by its program hash.
 *
 * @module
 */
import type { Hex } from 'viem'

import { dataRoot } from './merkle.ts'
import { Kind } from './types.ts'
import { loadElf, ProgramError, programHash } from './vm/elf.ts'

/** Longest content that is stored and served: the largest input and output of a provable program. */
export const MAX_CONTENT_BYTES = 16_777_216

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46]

/** Whether a root names these bytes, be they content or a provable program. */
export function isNamedBy(root: Hex, bytes: Uint8Array): boolean {
  return dataRoot(bytes) === root || provableRoot(bytes) === root
}

/** Whether these bytes are the program that an offer of this kind names. */
export function isProgram(kind: number, program: Hex, bytes: Uint8Array): boolean {
  return (kind === Kind.Provable ? provableRoot(bytes) : dataRoot(bytes)) === program
}

/** Program hash of an ELF file that the machine can load; null for all other bytes. */
function provableRoot(bytes: Uint8Array): Hex | null {
  if (ELF_MAGIC.some((byte, at) => bytes[at] !== byte)) return null
  try {
    return programHash(loadElf(bytes))
  } catch (error) {
    if (error instanceof ProgramError) return null
    throw error
  }
}
