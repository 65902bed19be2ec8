// AssemblyScript, compiled by build.ts into sudden-silence.wasm.
//
// One task is one airport in one month. It asks when the airport, at normal traffic, suddenly fell silent: between two
// departures that follow one another, after two hours with at least three quarters of the usual departures, how many
// departures would have been usual? And how strong is that, compared with days put together at random from the hours of
// the same month? Integers only, so every machine gives the same bytes.

@external("tally", "input_length") declare function inputLength(): i32
@external("tally", "input_read") declare function inputRead(to: usize, from: i32, length: i32): void
@external("tally", "output_write") declare function outputWrite(from: usize, length: i32): void

const HEADER: i32 = 10
const MINUTES: i32 = 1440
/** Silences are looked for from 6:00 to 22:00. */
const OPENS: i32 = 360
const CLOSES: i32 = 1320
const BEFORE: i32 = 120

const input: usize = memory.data(65536)
/** Departures of each day and minute, one byte each. */
const minutes: usize = memory.data(31 * 1440)
/** Departures of all days before each minute, u32 each. */
const usualUntil: usize = memory.data(1441 * 4)
/** Departures of the day looked at before each minute, u32 each. */
const dayUntil: usize = memory.data(1441 * 4)
/** A day put together from hours of the month. */
const drawn: usize = memory.data(1440)
const output: usize = memory.data(256)
/** Departures of each day, u16 each. */
const counts: usize = memory.data(31 * 2)
const others: usize = memory.data(16)

// the strongest silence of the day `measure` looked at last
let strongest: i32 = 0
let strongestFrom: i32 = 0
let strongestUntil: i32 = 0

export function run(): void {
  const length = inputLength()
  if (length < HEADER || length > 65536) unreachable()
  inputRead(input, 0, length)
  const days: i32 = load<u8>(input + 5)
  const departures: i32 = load<i32>(input + 6)
  if (days < 14 || days > 31) unreachable()
  readDepartures(departures, days)
  addUpMonth(days)
  addUpDays(days)

  memory.copy(output, input, HEADER)
  let at: usize = output + HEADER
  for (let day = 0; day < days; day++) {
    store<u16>(at, load<u16>(counts + (day << 1)))
    store<u16>(at + 2, <u16>usualOf(day, days))
    at += 4
  }

  let best = 0, bestDay = 255, bestFrom = 0, bestUntil = 0
  for (let day = 0; day < days; day++) {
    measure(minutes + day * MINUTES, days)
    if (strongest > best) {
      best = strongest
      bestDay = day
      bestFrom = strongestFrom
      bestUntil = strongestUntil
    }
  }
  store<u8>(at, <u8>bestDay)
  store<u16>(at + 1, <u16>bestFrom)
  store<u16>(at + 3, <u16>bestUntil)
  store<u32>(at + 5, <u32>(<i64>best * 1000 / days))

  // the more departures there are to draw from, the more days are drawn
  const draws = 16 + departures / 96
  store<u16>(at + 9, <u16>draws)
  store<u16>(at + 11, <u16>drawDays(days, draws, best, length))
  outputWrite(output, <i32>(at + 13 - output))
}

/** Fills `minutes` from the input: minutes since the previous departure, LEB128. */
function readDepartures(departures: i32, days: i32): void {
  let at: usize = input + HEADER
  let minute = 0
  for (let index = 0; index < departures; index++) {
    let gap = 0, shift = 0, byte = 0
    do {
      byte = load<u8>(at++)
      gap |= (byte & 0x7f) << shift
      shift += 7
    } while (byte >= 0x80)
    minute += gap
    if (<u32>minute >= <u32>(days * MINUTES)) unreachable()
    store<u8>(minutes + minute, load<u8>(minutes + minute) + 1)
  }
}

function addUpMonth(days: i32): void {
  let sum = 0
  for (let minute = 0; minute < MINUTES; minute++) {
    for (let day = 0; day < days; day++) sum += load<u8>(minutes + day * MINUTES + minute)
    store<i32>(usualUntil + ((minute + 1) << 2), sum)
  }
}

function addUpDays(days: i32): void {
  for (let day = 0; day < days; day++) {
    let count = 0
    for (let minute = 0; minute < MINUTES; minute++) count += load<u8>(minutes + day * MINUTES + minute)
    store<u16>(counts + (day << 1), <u16>count)
  }
}

/** The lower median of the month's other days on the same weekday. */
function usualOf(day: i32, days: i32): i32 {
  let found = 0
  for (let other = day % 7; other < days; other += 7) {
    if (other == day) continue
    const count = load<u16>(counts + (other << 1))
    let place = found++
    while (place > 0 && load<u16>(others + ((place - 1) << 1)) > count) {
      store<u16>(others + (place << 1), load<u16>(others + ((place - 1) << 1)))
      place--
    }
    store<u16>(others + (place << 1), count)
  }
  return load<u16>(others + (((found - 1) >> 1) << 1))
}

@inline
function untilOf(table: usize, minute: i32): i32 {
  return load<i32>(table + (minute << 2))
}

/** Finds the strongest sudden silence of a day: departures of the whole month in its minutes. */
function measure(day: usize, days: i32): void {
  let sum = 0
  for (let minute = 0; minute < MINUTES; minute++) {
    sum += load<u8>(day + minute)
    store<i32>(dayUntil + ((minute + 1) << 2), sum)
  }
  strongest = 0
  let last = -1
  for (let minute = OPENS; minute < CLOSES; minute++) {
    if (load<u8>(day + minute) == 0) continue
    if (last >= 0 && minute - last > 1) {
      const missed = untilOf(usualUntil, minute) - untilOf(usualUntil, last + 1)
      if (missed > strongest && isNormalBefore(last + 1, days)) {
        strongest = missed
        strongestFrom = last
        strongestUntil = minute
      }
    }
    last = minute
  }
}

/** Whether the two hours before `minute` had at least three quarters of their usual departures. */
function isNormalBefore(minute: i32, days: i32): bool {
  const usual = untilOf(usualUntil, minute) - untilOf(usualUntil, minute - BEFORE)
  const seen = untilOf(dayUntil, minute) - untilOf(dayUntil, minute - BEFORE)
  return 4 * days * seen >= 3 * usual
}

/** Draws days hour by hour from the month; returns how many have a silence at least as strong as `best`. */
function drawDays(days: i32, draws: i32, best: i32, length: i32): i32 {
  let state: u32 = 0x811c9dc5
  for (let index = 0; index < length; index++) state = (state ^ load<u8>(input + index)) * 0x01000193
  if (state == 0) state = 1
  let asStrong = 0
  for (let draw = 0; draw < draws; draw++) {
    for (let hour = 0; hour < 24; hour++) {
      state ^= state << 13
      state ^= state >> 17
      state ^= state << 5
      const day: i32 = state % days
      memory.copy(drawn + hour * 60, minutes + day * MINUTES + hour * 60, 60)
    }
    measure(drawn, days)
    if (strongest >= best) asStrong++
  }
  return asStrong
}
