/**
 * Compiler, chains and test runners.
 *
 * Both build profiles hold the same settings: what the tests run is byte for byte what is deployed, and gas figures are
 * true wherever they are taken. The compiler comes from npm, so nothing is downloaded while building.
 *
 * @module
 */
import { createRequire } from 'node:module'

import toolbox from '@nomicfoundation/hardhat-toolbox-mocha-ethers'
import { defineConfig, overrideTask } from 'hardhat/config'

const compiler = {
  version: '0.8.37',
  path: createRequire(import.meta.url).resolve('solc/soljson.js'),
  settings: {
    evmVersion: 'osaka',
    viaIR: true,
    optimizer: { enabled: true, runs: 100_000 },
    outputSelection: { '*': { '*': ['storageLayout'] } },
  },
}

// these are called seldom and are large: small code first, so that they fit EIP-170
const withRuns = (runs: number) => ({
  ...compiler,
  settings: { ...compiler.settings, optimizer: { enabled: true, runs } },
})
const desk = withRuns(1)
const large = withRuns(200)
// a large handler of random calls, whose own gas nobody asks for: a quarter of the time to compile
const plain = { ...compiler, settings: { ...compiler.settings, optimizer: { enabled: false } } }
// governance is OpenZeppelin's own, compiled like the rest
const governance = [
  '@openzeppelin/contracts/access/manager/AccessManager.sol',
  '@openzeppelin/contracts/governance/TimelockController.sol',
]
const build = {
  compilers: [compiler],
  overrides: {
    'contracts/Demands.sol': large,
    'test/contracts/Faults.invariant.t.sol': plain,
    'contracts/Desk.sol': desk,
    'contracts/Disputes.sol': large,
    'contracts/Faults.sol': withRuns(5000),
    'contracts/Panels.sol': large,
    'contracts/Pools.sol': large,
    'contracts/Registry.sol': large,
  },
  isolated: false,
}

const isDeep = process.env.TALLY_DEEP === '1'
const fuzzSeed = process.env.TALLY_FUZZ_SEED

export default defineConfig({
  plugins: [toolbox],
  paths: {
    ignition: '.', // deployment records land in ./deployments/<network>
    tests: { mocha: 'test', solidity: 'test/contracts' },
  },
  solidity: {
    npmFilesToBuild: governance,
    profiles: {
      default: build,
      production: build,
    },
  },
  typechain: { outDir: 'types' },
  networks: {
    localhost: { type: 'http', chainType: 'l1', url: process.env.TALLY_RPC_URL ?? 'http://127.0.0.1:8545' },
    // `hardhat node`: blocks come by the clock, and with each transaction, because EDR keeps none with blobs waiting
    node: {
      ...{ type: 'edr-simulated', chainType: 'l1', hardfork: 'osaka' },
      ...{ mining: { auto: true, interval: 1000 }, allowBlocksWithSameTimestamp: true },
    },
    osaka: { type: 'edr-simulated', chainType: 'l1', hardfork: 'osaka' },
    // its code deposit alone passes 2^24 gas, and EDR's preview holds the cap of a transaction against that too
    amsterdam: { type: 'edr-simulated', chainType: 'l1', hardfork: 'amsterdam', transactionGasCap: false },
  },
  test: {
    mocha: { timeout: 120_000 },
    solidity: {
      fuzz: { runs: isDeep ? 20_000 : 256, ...(fuzzSeed === undefined ? {} : { seed: fuzzSeed }) },
      invariant: { runs: isDeep ? 256 : 32, depth: isDeep ? 128 : 32, failOnRevert: true },
    },
  },
  // both write their counts to a file when `scripts/test.ts` asks for it
  tasks: [
    overrideTask(['test', 'mocha'])
      .setAction(() => import('./scripts/support/mocha-test-task.ts'))
      .build(),
    overrideTask(['test', 'solidity'])
      .setAction(() => import('./scripts/support/solidity-test-task.ts'))
      .build(),
  ],
})
