/**
 * Other parameters than the defaults, and later watchers, one change at a time: which of them lets cheating pay first.
 *
 * @module
 */
import type { LedgerParameters } from '../parameters/local.ts'

/** What differs from the defaults. */
export type Change = {
  readonly parameters?: Partial<LedgerParameters>
  /** Stake token base units that a unit of gas is worth to the registry, whose default is 10¹². */
  readonly gasValue?: bigint
  /** Hours from a cheat until an honest watcher does anything about it. */
  readonly hoursUnseen?: number
}

/** A change with its name. */
export type Variation = { readonly change: string } & Change

/** Parameters each within their bounds in code, mostly at them. */
export const VARIATIONS: readonly Variation[] = [
  { change: 'none' },
  { change: 'no bond (bondBps 0)', parameters: { bondBps: 0 } },
  { change: 'a tenth of the bond (bondBps 100)', parameters: { bondBps: 100 } },
  { change: 'the whole budget as bond (bondBps 10,000)', parameters: { bondBps: 10_000 } },
  { change: 'a tenth of the coverage (coverageBps 1,000)', parameters: { coverageBps: 1_000 } },
  { change: 'shortest attested window (1 h)', parameters: { attestedWindow: 3_600 } },
  { change: 'both windows shortest (1 h)', parameters: { attestedWindow: 3_600, forcedWindow: 3_601 } },
  { change: 'stake worth a quarter of it', parameters: { stakeValue: 4_000_000 } },
  { change: 'ten times the least slash (gasValue 10¹³)', gasValue: 10n ** 13n },
  { change: 'seen after three days', hoursUnseen: 73 },
]
