/**
 * Bugs to plant: patches with fields at their head, and contracts built with them.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

import { contractSources, withChanged } from '#test/support/compile.ts'
import { applyPatch, type Patch, parsePatch } from '#test/support/patch.ts'

/**
 * A bug, the contracts to compile with it (paths under `contracts`), the test file to run and the titles of the tests
 * that must fail.
 */
export type Planted = {
  readonly name: string
  readonly bug: string
  readonly contracts: readonly string[]
  readonly test: string
  readonly fails: readonly string[]
  readonly patch: Patch
}

function fieldOf({ fields }: Patch, name: string, field: string): string {
  const value = fields.get(field)
  if (value === undefined) throw new Error(`${name}.patch does not say its ${field}`)
  return value
}

/**
 * Reads a patch file.
 *
 * @throws Error when a field is missing.
 */
export function readPlanted(name: string, text: string): Planted {
  const patch = parsePatch(text)
  return {
    name,
    patch,
    bug: fieldOf(patch, name, 'bug'),
    contracts: fieldOf(patch, name, 'compile').split(' '),
    test: fieldOf(patch, name, 'test'),
    fails: fieldOf(patch, name, 'fails').split(' | '),
  }
}

function noBuild(name: string): never {
  throw new Error(`${name} is not among the contracts the patch compiles`)
}

/**
 * Puts the bug into the artifacts under `folder`.
 *
 * @returns Puts the artifacts back.
 * @throws Error when the patch does not apply or does not compile.
 */
export function plant(folder: string, { contracts, patch }: Planted): () => void {
  const built = withChanged(noBuild, applyPatch(contractSources(), patch), contracts)
  const changes = contracts.map((name) => {
    const path = join(folder, 'artifacts', 'contracts', `${name}.sol`, `${basename(name)}.json`)
    const before = readFileSync(path, 'utf8')
    const after = JSON.stringify({ ...JSON.parse(before), bytecode: built(name).bytecode })
    return { path, before, after }
  })
  for (const { path, after } of changes) writeFileSync(path, after)
  return () => {
    for (const { path, before } of changes) writeFileSync(path, before)
  }
}
