/**
 * What a test runner leaves behind for `scripts/test.ts`: counts, and which files held a test.
 *
 * @module
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

import { z } from 'zod'

const schema = z.strictObject({
  passed: z.int().nonnegative(),
  failed: z.int().nonnegative(),
  /** Files with at least one test, relative to the repository or absolute. */
  files: z.array(z.string()),
})

/** Counts of one runner; a test that did not run counts as failed. */
export type SuiteReport = z.infer<typeof schema>

/** Writes `report` to `path`, where it appears whole. */
export function writeSuiteReport(path: string, report: SuiteReport): void {
  writeFileSync(`${path}.part`, JSON.stringify(report))
  renameSync(`${path}.part`, path)
}

/** Reads a report back; undefined when the runner ended before it wrote one. */
export function readSuiteReport(path: string): SuiteReport | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
  return schema.parse(JSON.parse(text))
}
