/**
 * Earnings by the day they mature, and the room of the day that attested money is taken from.
 *
 * A bucket is the unit of rounding, so the two wheels are kept apart as the rules do: money due within two days stands in
 * the near one, later money in the far one, and each bucket pays its own fees when its day comes.
 *
 * @module
 */
import { attestedDueUp, dayOf, feeDown, forcedDueUp, smallerOf } from './money.ts'
import type { Parameters, Wheel } from './state.ts'

const NEAR_DAYS = 2
const LONGEST_DUE = 4
/** Most one room holds; what passes it is looked up in the wheel. */
const MAX_ROOM = 2n ** 48n - 1n

/** Money whose day has come, gross, with its fees. */
export type Due = { gross: bigint; protocolFee: bigint; committeeFee: bigint }

/** When money is credited and under which parameters. */
export type Moment = { clock: number; parameters: Parameters }

function dueBuckets(wheel: Wheel, today: number): bigint[] {
  return [wheel.near, wheel.far].flatMap((buckets) =>
    [...buckets].filter(([day, amount]) => day <= today && amount !== 0n).map(([, amount]) => amount),
  )
}

/** What a roll at `clock` moves, each bucket's fees rounded down by themselves. */
export function dueAt(wheel: Wheel, clock: number, parameters: Parameters): Due {
  const due: Due = { gross: 0n, protocolFee: 0n, committeeFee: 0n }
  for (const amount of dueBuckets(wheel, dayOf(clock))) {
    due.gross += amount
    due.protocolFee += feeDown(amount, parameters.protocolFeeBps)
    due.committeeFee += feeDown(amount, parameters.committeeFeeBps)
  }
  return due
}

/** Moves what is due at `clock` to claimable, net, and returns it. */
export function rollWheel(wheel: Wheel, clock: number, parameters: Parameters): Due {
  const due = dueAt(wheel, clock, parameters)
  const today = dayOf(clock)
  for (const buckets of [wheel.near, wheel.far]) {
    for (const day of [...buckets.keys()]) if (day <= today) buckets.delete(day)
  }
  wheel.claimable += due.gross - due.protocolFee - due.committeeFee
  return due
}

/** Money that is still in its window at `clock`, gross. */
export function unmaturedAt(wheel: Wheel, clock: number): bigint {
  const today = dayOf(clock)
  let sum = 0n
  for (const buckets of [wheel.near, wheel.far]) {
    for (const [day, amount] of buckets) if (day > today) sum += amount
  }
  return sum
}

/** What a provider may still have settled without acknowledgement at `clock`; negative after its cover fell. */
export function roomAt(wheel: Wheel, clock: number): bigint {
  return wheel.cover - unmaturedAt(wheel, clock)
}

/** Whether the room issued for today holds `amount`. */
function hasInRoom({ room }: Wheel, amount: bigint, clock: number): boolean {
  return room !== null && room.day === dayOf(clock) && amount <= room.left
}

/** Whether unmatured money finds room; what costs nothing needs none. */
export function fitsRoom(wheel: Wheel, amount: bigint, clock: number): boolean {
  return amount === 0n || amount <= roomAt(wheel, clock)
}

/** Issues the room of the day: money taken from it matures together, by the window of now. A revoked worker forbids it. */
export function issueRoom(wheel: Wheel, { clock, parameters }: Moment): void {
  const left = roomAt(wheel, clock)
  const room = { day: dayOf(clock), left: left > 0n ? smallerOf(left, MAX_ROOM) : 0n }
  wheel.room = wheel.hasRevocations ? null : { ...room, due: attestedDueUp(parameters.attestedWindow) }
}

/** Issues the room anew where one is in force today: what every act on the wheel but an attested credit does. */
export function renewRoom(wheel: Wheel, moment: Moment): void {
  if (wheel.room?.day === dayOf(moment.clock)) issueRoom(wheel, moment)
}

/** Puts attested money where it belongs: through the room of the day, or through the wheel, which issues a new one. */
export function creditAttested(wheel: Wheel, amount: bigint, moment: Moment): void {
  const { room } = wheel
  if (room !== null && hasInRoom(wheel, amount, moment.clock)) {
    room.left -= amount
    creditUnmatured(wheel, amount, moment.clock, room.due)
    return
  }
  creditUnmatured(wheel, amount, moment.clock, attestedDueUp(moment.parameters.attestedWindow))
  issueRoom(wheel, moment)
}

/** Puts forced money, or an opening fee, into the bucket in which its window is over. */
export function creditForced(wheel: Wheel, amount: bigint, moment: Moment): void {
  creditUnmatured(wheel, amount, moment.clock, forcedDueUp(moment.clock, moment.parameters.forcedWindow))
  renewRoom(wheel, moment)
}

/** Puts `amount` credited at `clock` into the bucket of `due` days later. */
export function creditUnmatured(wheel: Wheel, amount: bigint, clock: number, due: number): void {
  if (amount === 0n) return
  const day = dayOf(clock) + due
  const buckets = due <= NEAR_DAYS ? wheel.near : wheel.far
  buckets.set(day, (buckets.get(day) ?? 0n) + amount)
}

/**
 * Takes money out of the buckets: first out of those of `due` days later, then of later days, then of sooner ones.
 *
 * @returns What was not there.
 */
export function clawBack(wheel: Wheel, amount: bigint, clock: number, due: number): bigint {
  let left = amount
  for (let i = 0; i < LONGEST_DUE; i++) {
    const day = dayOf(clock) + 1 + ((due - 1 + i) % LONGEST_DUE)
    for (const buckets of [wheel.near, wheel.far]) {
      const part = smallerOf(bucketOf(buckets, day), left)
      if (part !== 0n) buckets.set(day, bucketOf(buckets, day) - part)
      left -= part
    }
  }
  return left
}

/** Amount in a bucket, 0 where there is none. */
export function bucketOf(buckets: ReadonlyMap<number, bigint>, day: number): bigint {
  return buckets.get(day) ?? 0n
}
