import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { readConfig } from '#oracle/config.ts'
import { runToEnd } from './support/process.ts'

const address = `0x${'12'.repeat(20)}`
const good = {
  rpcUrl: 'http://127.0.0.1:8545',
  contracts: { settlement: address, registry: address, committee: address },
  signerKeyFile: 'signer.key',
  gasKeyFile: 'gas.key',
  dataDir: 'data',
}

function problemOf(setting: string | undefined): { code: unknown; message: string } {
  try {
    readConfig(setting)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('nothing was thrown')
}

describe("a member's settings", () => {
  it('need little and default the rest', () => {
    const config = readConfig(JSON.stringify(good))
    expect(config.http).to.deep.equal({ host: '127.0.0.1', port: 0 })
    expect(config.batch).to.deep.equal({
      ...{ maxAgeMs: 10_000, leastWaitMs: 2_000, mostWaitMs: 86_400_000, worthPercent: 125, dearPercent: 150 },
      ...{ maxBytes: 122_880, maxGas: 15_728_640, fork: 'osaka', blobSavingPercent: 10, modes: ['calldata', 'blob'] },
      ...{ etherPrice: null, gasShareBps: 50, payAtOnceBps: 10 },
    })
    expect(config.finalDepth).to.equal(3)
  })

  const bad: readonly (readonly [string, string | undefined, string, string])[] = [
    ['not set', undefined, 'config.missing', 'TALLY_ORACLE_CONFIG'],
    ['empty', ' ', 'config.missing', 'TALLY_ORACLE_CONFIG'],
    ['a file that is not there', '/nowhere/config.json', 'config.unreadable', '/nowhere/config.json'],
    ['no JSON', '{"rpcUrl":', 'config.malformed', 'JSON'],
    ['nothing in it', '{}', 'config.invalid', 'rpcUrl'],
    [
      'a contract that is no address',
      JSON.stringify({ ...good, contracts: { ...good.contracts, registry: '0x12' } }),
      'config.invalid',
      'contracts.registry',
    ],
    ['a field nobody knows', JSON.stringify({ ...good, prot: 1 }), 'config.invalid', 'prot'],
    ['a port out of range', JSON.stringify({ ...good, http: { port: 70_000 } }), 'config.invalid', 'http.port'],
    ['a websocket for HTTP', JSON.stringify({ ...good, rpcUrl: 'ws://127.0.0.1' }), 'config.invalid', 'rpcUrl'],
    [
      'more gas than a block allows',
      JSON.stringify({ ...good, batch: { maxGas: 20_000_000 } }),
      'config.invalid',
      'batch.maxGas',
    ],
    ['a negative time', JSON.stringify({ ...good, batch: { maxAgeMs: -1 } }), 'config.invalid', 'batch.maxAgeMs'],
  ]
  for (const [what, setting, code, names] of bad) {
    it(`are refused with ${code}: ${what}`, () => {
      const problem = problemOf(setting)
      expect(problem.code).to.equal(code)
      expect(problem.message).to.contain(names)
    })
  }

  it('that cannot be used end the process with 2 and one clear line', async function () {
    this.timeout(30_000)
    const folder = await mkdtemp(join(tmpdir(), 'tally-oracle-'))
    try {
      const file = join(folder, 'config.json')
      await writeFile(file, JSON.stringify({ ...good, dataDir: 7 }))
      const invalid = await runToEnd(file)
      expect(invalid.code).to.equal(2)
      expect(invalid.errors.trim()).to.match(/^oracle: config\.invalid: dataDir: [^\n]+$/)

      await writeFile(file, JSON.stringify({ ...good, signerKeyFile: join(folder, 'missing.key') }))
      const keyless = await runToEnd(file)
      expect(keyless.code).to.equal(2)
      expect(keyless.errors.trim()).to.match(/^oracle: keystore\.unreadable: [^\n]+$/)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
