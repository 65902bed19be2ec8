/**
 * What the compiler says about the deployed contracts, the files directly in `contracts/`.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

const artifactSchema = z.object({
  contractName: z.string(),
  sourceName: z.string(),
  inputSourceName: z.string(),
  buildInfoId: z.string(),
  abi: z.array(z.looseObject({ type: z.string() })),
  bytecode: z.string(),
  deployedBytecode: z.string(),
})

const layoutSchema = z.object({
  storage: z.array(z.object({ label: z.string(), offset: z.int(), slot: z.string(), type: z.string() })),
  types: z
    .record(
      z.string(),
      z.object({
        label: z.string(),
        numberOfBytes: z.string(),
        members: z
          .array(z.object({ label: z.string(), offset: z.int(), slot: z.string(), type: z.string() }))
          .optional(),
      }),
    )
    .nullable(),
})

const outputSchema = z.object({
  output: z.object({
    contracts: z.record(z.string(), z.record(z.string(), z.object({ storageLayout: layoutSchema.optional() }))),
  }),
})

/** Storage of a contract, as solc reports it. */
export type StorageLayout = z.infer<typeof layoutSchema>

/** One deployed contract. */
export type BuiltContract = {
  name: string
  abi: readonly Record<string, unknown>[]
  codeBytes: number
  initCodeBytes: number
  layout: StorageLayout
}

function bytesOf(hex: string): number {
  return (hex.length - 2) / 2
}

function readLayout(artifactsFolder: string, artifact: z.infer<typeof artifactSchema>): StorageLayout {
  const file = join(artifactsFolder, 'build-info', `${artifact.buildInfoId}.output.json`)
  const { output } = outputSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  const layout = output.contracts[artifact.inputSourceName]?.[artifact.contractName]?.storageLayout
  if (layout === undefined) throw new Error(`the compiler gave no storage layout for ${artifact.contractName}`)
  return layout
}

/**
 * Reads the artifacts at `paths`, without interfaces, abstract contracts and libraries.
 *
 * @returns Contracts in order of name.
 */
export function readBuiltContracts(artifactsFolder: string, paths: readonly string[]): BuiltContract[] {
  return paths
    .map((path) => artifactSchema.parse(JSON.parse(readFileSync(path, 'utf8'))))
    .filter(
      (artifact) => /^contracts\/(demo\/)?[^/]+\.sol$/.test(artifact.sourceName) && bytesOf(artifact.bytecode) > 0,
    )
    .map((artifact) => ({
      name: artifact.contractName,
      abi: artifact.abi,
      codeBytes: bytesOf(artifact.deployedBytecode),
      initCodeBytes: bytesOf(artifact.bytecode),
      layout: readLayout(artifactsFolder, artifact),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
