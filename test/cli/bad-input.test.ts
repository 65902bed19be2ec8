/** @module */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { tally } from './support/console.ts'

const ADDRESS = '0x5fbdb2315678afecb367f032d93f642f64180aa3'
const DEAD = 'http://127.0.0.1:9'
const chain = ['--rpc', DEAD, '--address', ADDRESS]
const KEY = `0x${'01'.repeat(32)}`

type Case = { args: readonly string[]; code: string; says: RegExp; env?: Record<string, string> }

const folder = mkdtempSync(join(tmpdir(), 'tally-cli-'))
const file = (name: string, text: string, mode = 0o600): string => {
  const path = join(folder, name)
  writeFileSync(path, text, { mode })
  return path
}

const bad = 'cli.bad-argument'
const cases: Record<string, Record<string, Case>> = {
  tally: {
    'no command': { args: [], code: bad, says: /name a command/ },
    'an unknown command': { args: ['audti'], code: bad, says: /audti/ },
    'an unknown flag': { args: ['status', ...chain, '--colour'], code: bad, says: /--colour/ },
  },
  watch: {
    'no folder': { args: ['watch', ...chain], code: bad, says: /--data/ },
    'no key': { args: ['watch', ...chain, '--data', join(folder, 'watch')], code: 'cli.no-key', says: /--key-file/ },
    'a worker that is no URL': {
      args: ['watch', ...chain, '--data', join(folder, 'watch'), '--worker', 'x'],
      code: bad,
      says: /--worker/,
    },
  },
  audit: {
    'no address': { args: ['audit', '--rpc', DEAD], code: bad, says: /--address/ },
    'an address of the wrong length': { args: ['audit', '--rpc', DEAD, '--address', '0x12'], code: bad, says: /0x12/ },
    'an address with a wrong checksum': {
      args: ['audit', '--rpc', DEAD, '--address', '0x5FbDB2315678afecb367f032d93F642f64180aA4'],
      code: bad,
      says: /--address/,
    },
    'a URL that is none': { args: ['audit', '--rpc', 'localhost', '--address', ADDRESS], code: bad, says: /--rpc/ },
    'a URL of another protocol': { args: ['audit', '--rpc', 'ws://x', '--address', ADDRESS], code: bad, says: /http/ },
    'neither chain nor file': { args: ['audit', '--address', ADDRESS], code: bad, says: /--from-file/ },
    'both chain and file': {
      args: ['audit', ...chain, '--from-file', 'x.json'],
      code: bad,
      says: /either --rpc/,
    },
    'a file that is not there': {
      args: ['audit', '--address', ADDRESS, '--from-file', join(folder, 'none.json')],
      code: 'cli.unreadable-file',
      says: /none\.json/,
    },
    'a file of something else': {
      args: ['audit', '--address', ADDRESS, '--from-file', file('else.json', '{"version":7}')],
      code: 'cli.unreadable-file',
      says: /recorded chain/,
    },
    'a chain that does not answer': { args: ['audit', ...chain], code: 'chain.unreachable', says: /127\.0\.0\.1:9/ },
    'an archive that is none': { args: ['audit', ...chain, '--archive', 'x'], code: bad, says: /--archive/ },
    'a data URL that is none': { args: ['audit', ...chain, '--data-url', 'x'], code: bad, says: /--data-url/ },
  },
  status: {
    'no chain': { args: ['status', '--address', ADDRESS], code: bad, says: /--rpc/ },
    'a block that is no number': { args: ['status', ...chain, '--from-block', '-1'], code: bad, says: /--from-block/ },
    'a chain that does not answer': { args: ['status', ...chain], code: 'cli.chain-unreachable', says: /not answer/ },
  },
  withdraw: {
    'nothing to withdraw named': { args: ['withdraw', ...chain], code: bad, says: /--amount/ },
    'two things named': { args: ['withdraw', ...chain, '--amount', '1', '--provider', '1'], code: bad, says: /either/ },
    'an amount of zero': { args: ['withdraw', ...chain, '--amount', '0'], code: bad, says: /--amount is "0"/ },
    'an amount with a point': { args: ['withdraw', ...chain, '--amount', '1.5'], code: bad, says: /base units/ },
    'an amount of 2^64': {
      args: ['withdraw', ...chain, '--amount', '18446744073709551616'],
      code: bad,
      says: /--amount/,
    },
    'a provider of zero': { args: ['withdraw', ...chain, '--provider', '0'], code: bad, says: /--provider/ },
    'a recipient for earnings': {
      args: ['withdraw', ...chain, '--provider', '1', '--to', ADDRESS],
      code: bad,
      says: /payout account/,
    },
    'two keys': {
      args: ['withdraw', ...chain, '--amount', '1', '--key-file', 'a', '--key-env', 'B'],
      code: bad,
      says: /not from both/,
    },
    'a variable that is not set': {
      args: ['withdraw', ...chain, '--amount', '1', '--key-env', 'NOT_SET'],
      code: 'cli.no-key',
      says: /NOT_SET is not set/,
    },
    'a variable without a key': {
      args: ['withdraw', ...chain, '--amount', '1', '--key-env', 'BAD'],
      env: { BAD: 'hunter2' },
      code: 'cli.no-key',
      says: /BAD holds no private key/,
    },
    'a key of zero': {
      args: ['withdraw', ...chain, '--amount', '1', '--key-env', 'ZERO'],
      env: { ZERO: `0x${'00'.repeat(32)}` },
      code: 'cli.no-key',
      says: /not one of the curve/,
    },
    'a private key where a variable’s name belongs': {
      args: ['withdraw', ...chain, '--amount', '1', '--key-env', KEY],
      code: bad,
      says: /name of an environment variable/,
    },
    'a key file that is not there': {
      args: ['withdraw', ...chain, '--amount', '1', '--key-file', join(folder, 'none.key')],
      code: 'cli.no-key',
      says: /none\.key/,
    },
    'a key file others may read': {
      args: ['withdraw', ...chain, '--amount', '1', '--key-file', file('open.key', KEY, 0o644)],
      code: 'cli.no-key',
      says: /open\.key/,
    },
  },
  force: {
    'nothing to force named': { args: ['force', ...chain], code: bad, says: /--store/ },
    'two things to force': { args: ['force', ...chain, '--store', 'a', '--receipts', 'b'], code: bad, says: /either/ },
    'a store without its worker': { args: ['force', ...chain, '--store', 'a'], code: bad, says: /--worker/ },
    'a worker that is no number': {
      args: ['force', ...chain, '--store', 'a', '--worker', 'one'],
      code: bad,
      says: /--worker/,
    },
    'no key and no sender': { args: ['force', ...chain, '--receipts', 'a'], code: bad, says: /--sender/ },
    'a deal of zero': { args: ['force', ...chain, '--receipts', 'a', '--deal', '0'], code: bad, says: /--deal/ },
    'a chain that does not answer': {
      args: ['force', ...chain, '--receipts', 'a', '--sender', ADDRESS],
      code: 'cli.chain-unreachable',
      says: /not answer/,
    },
  },
}

describe('tally, given what it cannot use', () => {
  after(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  for (const [command, table] of Object.entries(cases)) {
    describe(command, () => {
      for (const [name, { args, code, says, env }] of Object.entries(table)) {
        it(`says so in one sentence: ${name}`, async () => {
          const said = await tally(args, env)
          expect(said.code).to.equal(2)
          expect(said.out).to.equal('')
          expect(said.err.length).to.equal(1)
          expect(said.err[0]).to.match(says)
          expect(said.err[0]).to.include(`(${code})`)
          expect(said.err[0]).not.to.match(/\n|\bat .*:\d+:\d+/)
        }).timeout(20_000)
      }
    })
  }

  it('never repeats a key it was given by mistake', async () => {
    const said = await tally(['withdraw', ...chain, '--amount', '1', '--key-env', KEY])
    expect(said.err.join('')).not.to.include(KEY.slice(2))
  })

  it('shows help on request and ends well', async () => {
    const said = await tally(['--help'])
    expect(said.code).to.equal(0)
    for (const command of ['audit', 'force', 'withdraw', 'status']) expect(said.out).to.include(command)
  })
})
