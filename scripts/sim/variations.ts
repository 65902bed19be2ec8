/**
 * Other parameters than the defaults, one at a time: which of them lets cheating pay first.
 *
 * @module
 */
import type { LedgerParameters } from '../parameters/local.ts'

/** A change of one parameter. */
export type Variation = { readonly change: string; readonly parameters: Partial<LedgerParameters> }

/** Each within the bounds in code. */
export const VARIATIONS: readonly Variation[] = [
  { change: 'a tenth of the bond (bondBps 100)', parameters: { bondBps: 100 } },
  { change: 'half the bond (bondBps 500)', parameters: { bondBps: 500 } },
  { change: 'a tenth of the coverage (coverageBps 1,000)', parameters: { coverageBps: 1_000 } },
]
