/**
 * Translates a program piece by piece, within bounds that hold for every program.
 *
 * @module
 */
import type { Image } from '#protocol/vm/elf.ts'

import { type Block, codeOffset, formRegion, type Region } from './blocks.ts'
import { createCodeView } from './code-view.ts'
import { translateRegion } from './function.ts'
import { installFunctions, type Shared } from './module.ts'

/** Instructions translated at once at most, but for the last function. */
const BATCH = 60_000
/** Instructions translated of one program at most: more is left to the interpreter. */
const TOTAL = 600_000

/** Translates one program. */
export type Translator = {
  /** Most fuel a function asks for at once. */
  readonly need: number
  /** Translates the function that begins at an address, and those it calls; false when the bounds are used up. */
  translate(pc: number): boolean
}

/**
 * Creates a translator that has not translated anything yet.
 *
 * @param parts - `slots`: by word of code, where functions' slots go; `numbers`: where those of jumps' targets go.
 */
export function createTranslator(parts: {
  readonly image: Image
  readonly shared: Shared
  readonly slots: Int32Array
  readonly numbers: Uint16Array
}): Translator {
  const { shared, slots } = parts
  const code = createCodeView(parts.image, parts.numbers)
  let need = 0
  let translated = 0

  /** The region of an address and of all that it leads to, as far as the bounds allow. */
  function collect(root: number): Region[] {
    const regions: Region[] = []
    const wanted = new Set([root])
    const end = Math.min(translated + BATCH, TOTAL)
    for (const pc of taken(wanted, () => translated < end)) {
      const region = formRegion(code, pc, (at) => at !== pc && (wanted.has(at) || isDone(at)))
      regions.push(region)
      translated += sizeOf(region)
      for (const next of waysOut(region)) if (code.at(next) !== undefined && !isDone(next)) wanted.add(next)
    }
    return regions
  }

  const isDone = (pc: number) => (slots[codeOffset(pc) / 4] ?? 0) !== 0

  function install(regions: readonly Region[]): void {
    const indices = new Map(regions.map(({ root }, index) => [root, index]))
    const functions = regions.map((region) => {
      return translateRegion(region, { code, functionAt: (pc) => indices.get(pc) })
    })
    const first = shared.table.grow(functions.length)
    installFunctions(
      shared,
      functions.map(({ body }) => body),
      first,
    )
    for (const [index, { root }] of regions.entries()) slots[codeOffset(root) / 4] = first + index
    need = Math.max(need, ...functions.map((one) => one.need))
  }

  return {
    get need() {
      return need
    },
    translate(pc) {
      if (translated >= TOTAL || code.at(pc) === undefined) return false
      try {
        install(collect(pc))
        return true
      } catch {
        // WebAssembly's own bounds: the interpreter has none
        translated = TOTAL
        return false
      }
    },
  }
}

function* taken<Item>(items: Iterable<Item>, more: () => boolean): Iterable<Item> {
  for (const item of items) {
    if (!more()) return
    yield item
  }
}

function sizeOf({ blocks }: Region): number {
  let size = 0
  for (const block of blocks.values()) size += block.length + 1
  return size
}

/** Where a region leads to that could be a function of its own. */
function waysOut({ blocks }: Region): number[] {
  return [...blocks.values()].flatMap(leavesTo).filter((pc) => !blocks.has(pc))
}

function leavesTo({ end }: Block): readonly number[] {
  if (end.kind === 'call') return [end.target, end.link.pc]
  if (end.kind === 'goto') return [end.target]
  if (end.kind === 'branch') return [end.taken, end.next]
  return end.kind === 'call-register' ? [end.link.pc] : []
}
