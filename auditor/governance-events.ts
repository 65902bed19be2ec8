/**
 * What governance changes: parameters, treasuries, pauses.
 *
 * @module
 */
import { type EventArgs, type Replay, report } from './replay.ts'
import { addressKey } from './state.ts'

const DAY = 86_400
const MAX_PAUSE = 14 * DAY
const MAX_WINDOW = 3 * DAY
const MIN_CLOSING = 7_200
const MAX_BPS = 10_000

/** Puts parameters in force, within the bounds that no governance may pass. */
export function replayParameters(replay: Replay, { parameters }: EventArgs<'ParametersSet'>): void {
  const shares = ['coverageBps', 'bondBps', 'protocolFeeBps', 'committeeFeeBps'] as const
  for (const name of shares) {
    if (parameters[name] > MAX_BPS) report(replay, 'parameters', `${name} is ${parameters[name]}, more than the whole`)
  }
  if (parameters.attestedWindow >= parameters.forcedWindow) {
    report(replay, 'parameters', 'the attested window is not shorter than the forced one')
  }
  if (parameters.closingPeriod < MIN_CLOSING) report(replay, 'parameters', 'closing leaves no time to force')
  if (parameters.retention < parameters.forcedWindow + 2 * DAY) {
    report(replay, 'parameters', 'deals’ ids are reused before their money has matured')
  }
  if (parameters.forcedWindow > MAX_WINDOW) report(replay, 'parameters', 'the forced window is longer than the wheel')
  if (parameters.stakeValue === 0) report(replay, 'parameters', 'stake is valued at nothing')
  replay.state.parameters = parameters
}

/** Changes who receives the fees. */
export function replayTreasuries(replay: Replay, args: EventArgs<'TreasuriesSet'>): void {
  replay.state.treasuries = { protocol: addressKey(args.treasury), committee: addressKey(args.committeeTreasury) }
}

/** A pause is bounded, and followed by a rest as long as a pause may be; ending one is always allowed. */
export function checkPause(replay: Replay, what: string, before: number, until: number): void {
  const clock = replay.state.clock.value
  const isRested = clock >= before + MAX_PAUSE || until <= clock
  if (until > clock + MAX_PAUSE || !isRested) report(replay, 'parameters', `${what} are paused until ${until}`)
}

/** Pauses new deals. */
export function replayPause(replay: Replay, { until }: EventArgs<'Paused'>): void {
  checkPause(replay, 'new deals', replay.state.pausedUntil, until)
  replay.state.pausedUntil = until
}
