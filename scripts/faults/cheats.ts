/**
 * Every cheat there is, in the order they are played.
 *
 * @module
 */
import type { Cheat } from './cheat.ts'
import { duplicateTask } from './cheats/duplicate-task.ts'
import { equivocation } from './cheats/equivocation.ts'
import { noShow } from './cheats/no-show.ts'
import { overclaim } from './cheats/overclaim.ts'

/** Cheats by name. */
export const CHEATS: readonly Cheat[] = [equivocation, overclaim, duplicateTask, noShow]
