/**
 * Compiled contracts from the build folder, or from any folder of the same shape.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Abi, Hex } from 'viem'

import type { Artifact } from './scenario.ts'

const PLACES: Readonly<Record<string, string>> = {
  AccessManager: '@openzeppelin/contracts/access/manager/AccessManager.sol',
  Committee: 'contracts/Committee.sol',
  DecoderProbe: 'contracts/mocks/DecoderProbe.sol',
  DemoDollar: 'contracts/demo/DemoDollar.sol',
  DemoStake: 'contracts/demo/DemoStake.sol',
  Desk: 'contracts/Desk.sol',
  Faults: 'contracts/Faults.sol',
  Nets: 'contracts/Nets.sol',
  Pools: 'contracts/Pools.sol',
  Registry: 'contracts/Registry.sol',
  Settlement: 'contracts/Settlement.sol',
  SettleDriver: 'contracts/mocks/SettleDriver.sol',
}

/** Reads artifacts under `folder`. */
export function artifactsIn(folder: string): (name: string) => Artifact {
  return (name) => {
    const path = join(folder, PLACES[name] ?? '', `${name}.json`)
    if (!existsSync(path)) throw new Error(`${path} is missing: build the contracts first`)
    const { abi, bytecode }: { abi: Abi; bytecode: Hex } = JSON.parse(readFileSync(path, 'utf8'))
    return { abi, bytecode }
  }
}
