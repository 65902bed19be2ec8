/**
 * Grid battery: when should a neighbourhood's battery charge, so that it draws from the grid as evenly as can be?
 *
 * The weather is Seattle's, hour by hour, as thirty years of measurements have it; the neighbourhood is a model: heated
 * by electricity, with wind turbines of its own. Each task plans one week of the year.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { readTasks } from '../support/tasks.ts'

/** Steps of 2 kWh and of 2 kW: a battery of 200 kWh that takes and gives 50 kW. */
export const battery = { capacity: 100, power: 25 } as const
const STEP_KW = 2
const HEADER_BYTES = 16

/** One week's plan; draws and charges in steps of 2 kW. */
export type TaskResult = {
  /** Sum of squared draws without and with the battery. */
  readonly squares: readonly [without: number, withIt: number]
  readonly highest: readonly [without: number, withIt: number]
  /** For each hour what is drawn without the battery, and what the battery charges; negative: it discharges. */
  readonly hours: readonly (readonly [draw: number, charge: number])[]
}

/** What the whole workload found. */
export type Summary = {
  /** A table for people, one line each. */
  readonly lines: string[]
  /** The finding, in one sentence. */
  readonly event: string
}

/** The program every task runs: an ELF file. */
export function program(): Uint8Array {
  return Uint8Array.from(readFileSync(join(import.meta.dirname, 'balance.elf')))
}

/**
 * The tasks' inputs, one week each, from the first of January on.
 *
 * @param count - How many, default all 52.
 */
export function loadTasks(count = Number.POSITIVE_INFINITY): { readonly inputs: Uint8Array[] } {
  const inputs = readTasks(join(import.meta.dirname, 'data/hours.bin.br'), count).map((week) => {
    const header = Uint32Array.of(week.length / 4, battery.capacity, battery.power)
    return Uint8Array.from(Buffer.concat([new Uint8Array(header.buffer), week]))
  })
  return { inputs }
}

/**
 * Reads one week's plan.
 *
 * @throws RangeError when the bytes are no result of the program.
 */
export function readResult(output: Uint8Array): TaskResult {
  if (output.length <= HEADER_BYTES || output.length % 4 !== 0) {
    throw new RangeError(`a result of ${output.length} bytes`)
  }
  const view = new DataView(output.buffer, output.byteOffset, output.length)
  const hours = Array.from({ length: (output.length - HEADER_BYTES) / 4 }, (_, hour) => {
    const at = HEADER_BYTES + 4 * hour
    return [view.getInt16(at, true), view.getInt16(at + 2, true)] as const
  })
  return {
    squares: [view.getUint32(0, true), view.getUint32(4, true)],
    highest: [view.getInt32(8, true), view.getInt32(12, true)],
    hours,
  }
}

/** Hour of the day at which the battery charges, or discharges, most over all plans. */
function busiestHour(plans: readonly TaskResult[], sign: 1 | -1): number {
  const sums = new Array<number>(24).fill(0)
  for (const { hours } of plans) {
    // the data's first hour is 1:00
    for (const [at, [, charge]] of hours.entries()) sums[(at + 1) % 24] = (sums[(at + 1) % 24] ?? 0) + sign * charge
  }
  return sums.indexOf(Math.max(...sums))
}

/**
 * Puts the tasks' results together.
 *
 * @param outputs - What the program wrote, in the order of `loadTasks`, any number of tasks from the first.
 */
export function summarise(outputs: readonly Uint8Array[]): Summary {
  const plans = outputs.map(readResult)
  const cuts = plans.map(({ highest: [without, withIt] }, week) => ({ week, without, withIt, cut: without - withIt }))
  const best = cuts.toSorted((left, right) => right.cut - left.cut || left.week - right.week)[0]
  const kw = (steps: number): string => `${STEP_KW * steps} kW`
  const spared =
    plans.reduce((sum, { squares: [without, withIt] }) => sum + 1 - withIt / without, 0) / Math.max(plans.length, 1)
  return {
    event:
      best === undefined
        ? 'Nothing was planned.'
        : `In week ${best.week + 1} the battery takes the highest draw from ${kw(best.without)} to ${kw(best.withIt)}.`,
    lines: [
      `${plans.length} weeks planned; the sum of squared draws falls by ${(100 * spared).toFixed(1)} % on average`,
      `it charges most at ${busiestHour(plans, 1)}:00 and gives most at ${busiestHour(plans, -1)}:00`,
      ...cuts
        .filter(({ week }) => week % 13 === 0)
        .map(
          ({ week, without, withIt }) =>
            `week ${String(week + 1).padStart(2)}: highest draw ${kw(without)}, then ${kw(withIt)}`,
        ),
    ],
  }
}
