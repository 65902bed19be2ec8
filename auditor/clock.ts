/**
 * The protocol clock: it advances at each touch by the time since the last one, an hour at most, so that a halted chain
 * closes no window unseen.
 *
 * @module
 */
import { MAX_CLOCK_STEP } from './money.ts'
import type { State } from './state.ts'

/** What the clock would be after a touch at `timestamp` (unix seconds). */
export function clockAt(state: State, timestamp: number): number {
  return state.clock.value + Math.min(Math.max(0, timestamp - state.clock.touchedAt), MAX_CLOCK_STEP)
}

/** Touches the clock at `timestamp` (unix seconds). */
export function touchClock(state: State, timestamp: number): void {
  state.clock = { value: clockAt(state, timestamp), touchedAt: timestamp }
}
