/**
 * One value by the rules beside the same value by the chain.
 *
 * @module
 */
import type { Contracts } from './events.ts'
import type { DiscrepancyKind } from './report.ts'
import type { Source } from './source.ts'
import type { State } from './state.ts'

/** One value by the rules and by the chain. */
export type Comparison = {
  /** Null: what the touch that caused it means. */
  kind: DiscrepancyKind | null
  what: string
  ours: string
  theirs: string
  /** Takes the chain's value, so that what follows is judged by itself. */
  adopt: () => void
}

/** Where an inspection looks. */
export type Scope = {
  state: State
  contracts: Contracts
  source: Source
  /** Number of the block after which it looks. */
  block: number
  /** Unix seconds of that block. */
  timestamp: number
}

type Value = bigint | number | string | boolean

const keep = (): void => undefined

/** A comparison; `adopt` is left out where nothing later depends on the value. */
export function pair(kind: DiscrepancyKind | null, what: string, ours: Value, theirs: Value, adopt = keep): Comparison {
  return { kind, what, ours: String(ours), theirs: String(theirs), adopt }
}
