/**
 * Code size and storage layout of a contract, in a form whose diff a reviewer can judge.
 *
 * @module
 */
import type { BuiltContract, StorageLayout } from './contract-build.ts'

/** Source: EIP-170. */
const MAX_CODE_BYTES = 24_576
/** Source: EIP-3860. */
const MAX_INIT_CODE_BYTES = 49_152

/** Drops the compiler's node numbers, which change with any edit anywhere: `t_struct(Account)123_storage`. */
function withoutAstIds(type: string): string {
  return type.replaceAll(/\)\d+/g, ')')
}

function slotsOf(entries: StorageLayout['storage']): string[] {
  return entries.map((entry) => `slot ${entry.slot} byte ${entry.offset}: ${withoutAstIds(entry.type)} ${entry.label}`)
}

function structsOf(types: StorageLayout['types']): Record<string, string[]> {
  const structs = Object.values(types ?? {}).flatMap(({ label, members }) =>
    members === undefined ? [] : ([[label, slotsOf(members)]] as const),
  )
  return Object.fromEntries(structs.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Names each limit of the chain that `contract` breaks. */
export function brokenLimits(contract: BuiltContract): string[] {
  const broken: string[] = []
  if (contract.codeBytes > MAX_CODE_BYTES) {
    broken.push(`${contract.name} has ${contract.codeBytes} bytes of code, the chain allows ${MAX_CODE_BYTES}`)
  }
  if (contract.initCodeBytes > MAX_INIT_CODE_BYTES) {
    broken.push(
      `${contract.name} has ${contract.initCodeBytes} bytes of init code, the chain allows ${MAX_INIT_CODE_BYTES}`,
    )
  }
  return broken
}

/** The text of `test/snapshots/<Contract>.json`. */
export function snapshotText(contract: BuiltContract): string {
  const { name, codeBytes, initCodeBytes, layout } = contract
  const snapshot = {
    contract: name,
    codeBytes,
    initCodeBytes,
    storage: slotsOf(layout.storage),
    structs: structsOf(layout.types),
  }
  return `${JSON.stringify(snapshot, undefined, 2)}\n`
}
