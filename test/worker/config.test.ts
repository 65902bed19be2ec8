/**
 * Settings of a worker: good ones with their defaults, bad ones with the field in the way.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

import { expect } from 'chai'

import { parseConfig } from '#worker/config.ts'
import { WorkerError } from '#worker/errors.ts'

const address = '0x00000000000000000000000000000000000000aa'
const good = {
  rpcUrl: 'http://127.0.0.1:8545',
  contracts: { settlement: address, registry: address, committee: address },
  worker: { keyFile: '/keys/worker' },
  dataDir: '/data',
}

function refusalOf(text: string | undefined): { code: string; message: string } {
  try {
    parseConfig(text)
  } catch (error) {
    if (error instanceof WorkerError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('the settings were taken')
}

describe('worker settings', () => {
  it('need only the chain, the contracts, a key file and a folder', () => {
    const config = parseConfig(JSON.stringify(good))
    expect(config.fleet).to.deep.equal({ position: 0, size: 1 })
    expect(config.http).to.deep.equal({ host: '127.0.0.1', port: 0 })
    expect(config.delivery.to).to.equal('members')
  })

  for (const [title, text] of [
    ['not set', undefined],
    ['empty', ' '],
  ] as const) {
    it(`are missing when ${title}`, () => expect(refusalOf(text).code).to.equal('config.missing'))
  }

  it('are refused when they are not JSON', () => expect(refusalOf('{').code).to.equal('config.malformed'))

  const bad: readonly [string, unknown, string][] = [
    ['a list', [], 'settings'],
    ['a URL of another protocol', { ...good, rpcUrl: 'ftp://host' }, 'rpcUrl'],
    ['no contracts', { ...good, contracts: undefined }, 'contracts'],
    ['a short address', { ...good, contracts: { ...good.contracts, registry: '0xaa' } }, 'contracts.registry'],
    ['a private key where a file belongs', { ...good, worker: { privateKey: '0x01' } }, 'worker'],
    ['an index below every page', { ...good, worker: { keyFile: 'k', index: 511 } }, 'worker.index'],
    ['a position beyond the fleet', { ...good, fleet: { position: 2, size: 2 } }, 'fleet.position'],
    ['a fleet of nobody', { ...good, fleet: { position: 0, size: 0 } }, 'fleet.size'],
    ['a port that is none', { ...good, http: { port: 65_536 } }, 'http.port'],
    ['a batch larger than a body', { ...good, delivery: { maxReceipts: 1_001 } }, 'delivery.maxReceipts'],
    ['a wish nobody knows', { ...good, delivery: { wish: { paidInGold: true } } }, 'delivery.wish'],
    ['a share above the whole', { ...good, delivery: { wish: { gasShareBps: 10_001 } } }, 'delivery.wish.gasShareBps'],
    ['a fraction of a receipt', { ...good, delivery: { receipts: 1.5 } }, 'delivery.receipts'],
    ['forcing without a key', { ...good, force: { afterMs: 1 } }, 'force.keyFile'],
    ['an unknown name', { ...good, dataDirectory: '/data' }, 'settings'],
    ['a number as text', { ...good, concurrency: '2' }, 'concurrency'],
  ]
  for (const [title, json, field] of bad) {
    it(`name the field when there is ${title}`, () => {
      const { code, message } = refusalOf(JSON.stringify(json))
      expect(code).to.equal('config.invalid')
      expect(message).to.match(new RegExp(`(^|; )${field}: `))
    })
  }

  it('stop the process with one line and exit code 2 when they are bad', () => {
    const main = join(import.meta.dirname, '..', '..', 'worker', 'main.ts')
    const env = { TALLY_WORKER_CONFIG: JSON.stringify({ ...good, rpcUrl: 'nowhere' }) }
    const { status, stdout, stderr } = spawnSync(process.execPath, [main], { env, encoding: 'utf8' })
    expect(status).to.equal(2)
    expect(stdout).to.equal('')
    expect(stderr).to.match(/^worker: rpcUrl: [^\n]+\n$/)
  }).timeout(20_000)
})
