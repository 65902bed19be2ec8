/**
 * Compiles changed contracts with the compiler from npm, in process, and remembers the result on disk.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'

import type { Abi } from 'viem'

import type { Artifact } from './scenario.ts'

type Output = {
  errors?: { severity: string; formattedMessage: string }[]
  contracts: Record<string, Record<string, { abi: Abi; evm: { bytecode: { object: string } } }>>
}
type Solc = {
  compile: (input: string, callbacks: { import: (path: string) => { contents: string } | { error: string } }) => string
}

const CACHE = 'cache/planted'
const require = createRequire(import.meta.url)

/** The repository's contracts by path. */
export function contractSources(): Record<string, string> {
  return Object.fromEntries(globSync('contracts/**/*.sol').map((path) => [path, readFileSync(path, 'utf8')]))
}

/** Libraries come from node_modules, as in the build. */
function findImport(path: string): { contents: string } | { error: string } {
  const file = join('node_modules', path)
  return existsSync(file) ? { contents: readFileSync(file, 'utf8') } : { error: `${path} is not installed` }
}

/** `path` is under `contracts`, without its ending. */
function compile(sources: Readonly<Record<string, string>>, path: string): Artifact {
  const file = `contracts/${path}.sol`
  const name = basename(path)
  const input = JSON.stringify({
    language: 'Solidity',
    sources: Object.fromEntries(Object.entries(sources).map(([path, content]) => [path, { content }])),
    settings: {
      evmVersion: 'osaka',
      viaIR: true,
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { [file]: { [name]: ['abi', 'evm.bytecode.object'] } },
    },
  })
  const key = createHash('sha256').update(input).digest('hex')
  const cached = join(CACHE, `${name}-${key}.json`)
  if (existsSync(cached)) return JSON.parse(readFileSync(cached, 'utf8')) as Artifact

  const solc = require('solc') as Solc
  const output = JSON.parse(solc.compile(input, { import: findImport })) as Output
  const errors = (output.errors ?? []).filter(({ severity }) => severity === 'error')
  const contract = output.contracts?.[file]?.[name]
  if (errors.length > 0 || contract === undefined) {
    throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n') || `${name} did not compile`)
  }
  const artifact: Artifact = { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }
  mkdirSync(CACHE, { recursive: true })
  writeFileSync(cached, JSON.stringify(artifact))
  return artifact
}

/** Artifacts of which those named in `changed` are compiled from `sources` and the rest is as built. */
export function withChanged(
  built: (name: string) => Artifact,
  sources: Readonly<Record<string, string>>,
  changed: readonly string[],
): (name: string) => Artifact {
  return (name) => (changed.includes(name) ? compile(sources, name) : built(name))
}
