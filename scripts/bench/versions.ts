/**
 * Versions of what a bench runs on.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

import { ROOT } from '../support/run.ts'

const manifest = z.looseObject({ version: z.string() })

/** Installed versions of npm packages, by name. */
export function versionsOf(...packages: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    packages.map((name) => {
      const text = readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')
      return [name, manifest.parse(JSON.parse(text)).version]
    }),
  )
}
