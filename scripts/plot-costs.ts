/**
 * `npm run plot:costs`: writes the charts of `docs/plots` and the figures of the pages, from the cost model and from the
 * records in `docs/data`.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { documents } from './docs/documents.ts'
import { ROOT } from './support/run.ts'

for (const [path, text] of documents()) {
  mkdirSync(dirname(join(ROOT, path)), { recursive: true })
  writeFileSync(join(ROOT, path), text)
  console.log(`wrote ${path}`)
}
