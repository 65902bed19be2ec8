/**
 * Keeps the last run that was looked into, and moments of it: who plays a game asks for ever smaller parts of one run, and
 * what lies before a part is not executed again.
 *
 * @module
 */
import type { Image } from '#protocol/vm/elf.ts'
import type { Snapshot } from '#protocol/vm/machine.ts'

import type { Engine } from '../vm/engine.ts'

/** Moments of one run. */
export type KeptRun = {
  /** Whether it is a run of this program on this input. */
  isOf(image: Image, input: Uint8Array): boolean
  /** The engine after so many instructions, or at its end. */
  at(step: bigint): Engine
}

/** Moments kept. */
const MAX_MOMENTS = 64
/** Pages of 4,096 bytes kept for all of them. */
const MAX_PAGES = 16_384

/** Keeps moments of a run that has not begun. */
export function keepRun(engine: Engine, image: Image, input: Uint8Array): KeptRun {
  const { machine } = engine
  const own = Buffer.from(input)
  const moments: Snapshot[] = [machine.snapshot()]
  let pages = 0

  /** Index of the last moment that is not after `step`; the first one is at 0. */
  const indexBefore = (step: bigint) => moments.findLastIndex(({ steps }) => BigInt(steps) <= step)

  function keep(): void {
    const before = indexBefore(BigInt(machine.steps))
    const isKnown = moments[before]?.steps === machine.steps
    if (isKnown || moments.length >= MAX_MOMENTS || pages >= MAX_PAGES) return
    const moment = machine.snapshot()
    pages += newPages(moment, moments[before])
    moments.splice(before + 1, 0, moment)
  }

  return {
    isOf: (otherImage, otherInput) => otherImage === image && own.equals(otherInput),
    at(step) {
      const nearest = moments[indexBefore(step)]
      const isBehind = BigInt(machine.steps) > step
      if (nearest !== undefined && (isBehind || machine.steps < nearest.steps)) machine.restore(nearest)
      engine.run(step)
      keep()
      return engine
    },
  }
}

function newPages({ pages }: Snapshot, before: Snapshot | undefined): number {
  let count = 0
  for (const [page, content] of pages) if (before?.pages.get(page) !== content) count += 1
  return count
}
