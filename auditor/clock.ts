/**
 * The protocol clock: it advances from the last stored touch on, an hour at most, so that a halted chain closes no window
 * unseen. A touch is stored when the last stored one is ten minutes old.
 *
 * @module
 */
import { MAX_CLOCK_STEP, MIN_CLOCK_STEP } from './money.ts'
import type { State } from './state.ts'

/** What the clock would be after a touch at `timestamp` (unix seconds). */
export function clockAt(state: State, timestamp: number): number {
  return state.clock.stored + Math.min(Math.max(0, timestamp - state.clock.touchedAt), MAX_CLOCK_STEP)
}

/** Reads the clock at `timestamp` (unix seconds) without moving it on. */
export function readClock(state: State, timestamp: number): void {
  state.clock = { ...state.clock, value: clockAt(state, timestamp) }
}

/** Touches the clock at `timestamp` (unix seconds). */
export function touchClock(state: State, timestamp: number): void {
  readClock(state, timestamp)
  if (timestamp - state.clock.touchedAt >= MIN_CLOCK_STEP) state.clock = startedClock(state.clock.value, timestamp)
}

/** A clock of which `value` was stored at `timestamp` (unix seconds). */
export function startedClock(value: number, timestamp: number): State['clock'] {
  return { value, stored: value, touchedAt: timestamp }
}
