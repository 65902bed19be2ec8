/**
 * Every cheat there is, in the order they are played.
 *
 * @module
 */
import type { Cheat } from './cheat.ts'
import { badAttestation } from './cheats/bad-attestation.ts'
import { censorship } from './cheats/censorship.ts'
import { collusion } from './cheats/collusion.ts'
import { doubleSelling } from './cheats/double-selling.ts'
import { duplicateTask } from './cheats/duplicate-task.ts'
import { equivocation } from './cheats/equivocation.ts'
import { noShow } from './cheats/no-show.ts'
import { overclaim } from './cheats/overclaim.ts'
import { unordered } from './cheats/unordered.ts'
import { withheldOutput } from './cheats/withheld-output.ts'
import { wrongResult } from './cheats/wrong-result.ts'

/** Cheats by name. Those that let days pass come first, before the deals of others have begun. */
export const CHEATS: readonly Cheat[] = [
  doubleSelling,
  censorship,
  badAttestation,
  unordered,
  withheldOutput,
  wrongResult,
  collusion,
  equivocation,
  overclaim,
  duplicateTask,
  noShow,
]
