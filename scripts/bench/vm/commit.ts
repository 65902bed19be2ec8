/**
 * What committing to a machine's memory takes.
 *
 * @module
 */
import { DATA_BYTES, DATA_DEPTH, DATA_PAGES, PAGE_BYTES } from '#protocol/vm/layout.ts'
import { createMemoryTree } from '#protocol/vm/tree.ts'

import type { CommitTimes } from './figures.ts'

const PAGES = 1_000
const RUNS = 3

/** Measures a whole memory that is not zero anywhere, and 1,000 pages spread over it. */
export function measureCommit(): CommitTimes {
  const words = new Uint32Array(DATA_BYTES / 4)
  for (let at = 0; at < words.length; at += 1) words[at] = Math.imul(at + 1, 0x9e37_79b1)
  const bytes = new Uint8Array(words.buffer)
  const dirty = new Uint8Array(DATA_PAGES)
  const tree = createMemoryTree(bytes, DATA_DEPTH)
  const update = (mark: () => void): number => {
    mark()
    const startedMs = performance.now()
    tree.update(dirty)
    return performance.now() - startedMs
  }
  const spread = () => {
    for (let page = 0; page < PAGES; page += 1) {
      const at = (page * 7_919) % DATA_PAGES
      dirty[at] = 1
      bytes[at * PAGE_BYTES + page] = page
    }
  }
  return {
    full64MiBMs: best(() => update(() => dirty.fill(1))),
    incrementalPer1000PagesMs: best(() => update(spread)),
  }
}

function best(measure: () => number): number {
  const times = Array.from({ length: RUNS }, measure)
  return Number(Math.min(...times).toFixed(1))
}
