/** @module */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import { network } from 'hardhat'
import type { Hex } from 'viem'

import type { AuditReport } from '#auditor/report.ts'
import { settlementAbi } from '#protocol/abi.generated.ts'
import { tallyDigest } from '#protocol/eip712.ts'
import { signCompact } from '#protocol/signature.ts'
import { artifactsIn } from '#test/support/artifacts.ts'
import { fund, type Rpc } from '#test/support/rpc.ts'
import { actorOf, createScenario, type ProviderHand, type Scenario, type Segment } from '#test/support/scenario.ts'

import { createWorkerStore } from '#worker/store.ts'

import { tally } from './support/console.ts'

const folder = mkdtempSync(join(tmpdir(), 'tally-cli-'))
const bob = actorOf('bob')
const ann = actorOf('ann')
const stranger = actorOf('stranger')
const DAY = 86_400

type Server = Awaited<ReturnType<typeof network.createServer>>

describe('tally on a chain', () => {
  let server: Server
  let scenario: Scenario
  let alice: ProviderHand
  let waiting: Segment
  let chain: readonly string[]

  before(async function () {
    this.timeout(60_000)
    server = await network.createServer('osaka', '127.0.0.1', 0)
    const { port } = await server.listen()
    const url = `http://127.0.0.1:${port}`
    let id = 0
    const rpc: Rpc = {
      request: async ({ method, params }) => {
        const body = JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params: params ?? [] })
        const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
        const { result, error }: { result?: unknown; error?: { message: string } } = JSON.parse(await answer.text())
        if (error !== undefined) throw new Error(error.message)
        return result
      },
    }
    scenario = await createScenario({ rpc, artifact: artifactsIn('artifacts') })
    alice = await scenario.join('alice', 10n ** 20n, ['alice 1'])
    await scenario.deposit(bob, 3_000_000n)
    const { deal } = await scenario.open(alice, bob, { terms: { budget: 2_000_000n } })
    await scenario.elapse(3600)
    await scenario.settle([scenario.work(deal, 0, [100, 200])])
    await scenario.settleAcknowledged([scenario.work(deal, 1, [300])])
    waiting = scenario.work(deal, 0, [400])
    await fund(rpc, stranger.address)
    chain = ['--rpc', url, '--address', scenario.deployment.settlement]
  })

  after(async () => {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const env = { BOB: bob.key, ALICE: actorOf('alice').key, STRANGER: stranger.key }

  const receiptsFile = (): string => {
    const { group, tally: signed } = waiting
    const path = join(folder, 'receipts.json')
    const content = {
      groups: [
        {
          dealId: group.dealId,
          worker: group.worker,
          tally: { ...signed, units: signed.units.toString(), signature: group.signature },
          receipts: group.receipts.map(({ units, workHash }) => ({ units: units.toString(), workHash })),
        },
      ],
    }
    writeFileSync(path, JSON.stringify(content))
    return path
  }

  describe('audit', () => {
    it('finds a clean chain clean, for people and for programs', async () => {
      const people = await tally(['audit', ...chain, '--no-re-execute'])
      expect(people.err).to.deep.equal([])
      expect(people.code).to.equal(0)
      expect(people.out).to.include('no discrepancy').and.include('re-derived  3 paid receipts')
      const { out } = await tally(['audit', ...chain, '--no-re-execute', '--json'])
      const report: Pick<AuditReport, 'discrepancies' | 'reExecution'> = JSON.parse(out)
      expect(report.discrepancies).to.deep.equal([])
      expect(report.reExecution).to.deep.equal({ reExecuted: 0, notReExecuted: 3 })
    })

    it('counts receipts whose preimages nobody serves as open', async () => {
      const { code, out } = await tally(['audit', ...chain, '--json'])
      expect(code).to.equal(0)
      const report: Pick<AuditReport, 'reExecution'> = JSON.parse(out)
      expect(report.reExecution).to.deep.equal({ reExecuted: 0, notReExecuted: 3 })
    })

    it('does it again offline from a recorded chain, and sees where the record was changed', async () => {
      const path = join(folder, 'chain.json')
      const address = ['--address', scenario.deployment.settlement]
      const online = await tally(['audit', ...chain, '--no-re-execute', '--json', '--save-file', path])
      const offline = await tally(['audit', ...address, '--from-file', path, '--json'])
      expect(offline).to.deep.equal(online)

      const tape: { blocks: { transactions: { input: string }[] }[] } = JSON.parse(readFileSync(path, 'utf8'))
      const settle = tape.blocks
        .flatMap(({ transactions }) => transactions)
        .find(({ input }) => input.includes(waitingHash(0)))
      if (settle === undefined) throw new Error('no batch was recorded')
      // one unit more in the first receipt: byte 0x64 = 100 before its work hash
      settle.input = settle.input.replace(`64${waitingHash(0)}`, `65${waitingHash(0)}`)
      writeFileSync(path, JSON.stringify(tape))
      const changed = await tally(['audit', ...address, '--from-file', path])
      expect(changed.code).to.equal(1)
      expect(changed.out).to.include('root: transaction').and.include('BROKEN')
    })

    it('refuses an address where no settlement lives', async () => {
      const [rpc, url] = chain
      const said = await tally(['audit', rpc ?? '', url ?? '', '--address', scenario.deployment.dollar])
      expect(said.code).to.equal(2)
      expect(said.err[0]).to.include('audit.not-a-settlement')
      const nobody = await tally(['audit', rpc ?? '', url ?? '', '--address', stranger.address])
      expect(nobody.err[0]).to.include('there is no contract at')
    })
  })

  describe('status', () => {
    it('shows deals, streams, providers and batches', async () => {
      const { code, out, err } = await tally(['status', ...chain])
      expect(err).to.deep.equal([])
      expect(code).to.equal(0)
      expect(out).to.include('2 DUSD').and.include('acknowledged').and.include('attested').and.include(bob.address)
    })

    it('gives every number to programs', async () => {
      const { out } = await tally(['status', ...chain, '--json'])
      const status: { deals: { streams: unknown[] }[]; batches: unknown[]; head: { held: string } } = JSON.parse(out)
      expect(status.deals[0]?.streams).to.deep.equal([
        { stream: 0, receipts: 2, units: 300, acknowledged: 0 },
        { stream: 1, receipts: 1, units: 300, acknowledged: 300 },
      ])
      expect(status.batches.length).to.equal(2)
      expect(status.head.held).to.equal('3000000')
    })
  })

  describe('withdraw', () => {
    const freeOf = async (): Promise<bigint> => {
      const view = { abi: settlementAbi, address: scenario.deployment.settlement } as const
      const account = { ...view, functionName: 'account', args: [bob.address] } as const
      const [free] = await scenario.client.readContract(account)
      return free
    }

    it('tries without sending', async () => {
      const { code, out } = await tally(['withdraw', ...chain, '--amount', '5', '--key-env', 'BOB', '--dry-run'], env)
      expect(code).to.equal(0)
      expect(out).to.include('would succeed')
      expect(await freeOf()).to.equal(1_000_000n)
    })

    it('prints the call for a wallet, without a key', async () => {
      const args = ['withdraw', ...chain, '--amount', '5', '--to', stranger.address, '--calldata']
      const call: { to: string; data: Hex } = JSON.parse((await tally(args)).out)
      expect(call.to.toLowerCase()).to.equal(scenario.deployment.settlement.toLowerCase())
      expect(call.data.toLowerCase()).to.include(stranger.address.slice(2).toLowerCase())
    })

    it('pays out all that is free', async () => {
      const { code, out, err } = await tally(['withdraw', ...chain, '--amount', 'all', '--key-env', 'BOB'], env)
      expect(err).to.deep.equal([])
      expect(code).to.equal(0)
      expect(out).to.include('withdraw 1 DUSD')
      expect(await freeOf()).to.equal(0n)
      const again = await tally(['withdraw', ...chain, '--amount', 'all', '--key-env', 'BOB'], env)
      expect(again.err[0]).to.include('cli.nothing-to-withdraw')
    })

    it('claims matured earnings for a provider, whoever pays the gas', async () => {
      const args = ['withdraw', ...chain, '--provider', String(alice.id), '--key-env', 'ALICE', '--json']
      const { code, out } = await tally(args, env)
      expect(code).to.equal(0)
      expect(JSON.parse(out)).to.include({ sent: true })
      const again = await tally(args, env)
      expect(again.code).to.equal(2)
      expect(again.err[0]).to.include('cli.nothing-to-withdraw')
    })
  })

  describe('force', () => {
    it('refuses a stranger without the provider’s or the worker’s signature', async () => {
      const args = ['force', ...chain, '--receipts', receiptsFile(), '--key-env', 'STRANGER']
      const said = await tally(args, env)
      expect(said.code).to.equal(2)
      expect(said.err[0]).to.include('cli.no-authority')
    })

    it('says what the chain would refuse', async () => {
      const wrong = ['--authority-key-env', 'STRANGER']
      const args = ['force', ...chain, '--receipts', receiptsFile(), '--key-env', 'STRANGER', ...wrong, '--dry-run']
      expect((await tally(args, env)).err[0]).to.include('cli.would-revert')
    })

    it('prints the call for the provider’s wallet', async () => {
      const sender = ['--sender', alice.owner.address]
      const args = ['force', ...chain, '--receipts', receiptsFile(), ...sender, '--calldata']
      const call: { data: Hex } = JSON.parse((await tally(args)).out)
      expect(call.data).to.include(waiting.group.signature.slice(2))
    })

    it('posts what waits, with the worker’s permission, and leaves a chain that audits clean', async () => {
      const worker = { ...env, WORKER: actorOf('alice 1').key }
      const authority = ['--authority-key-env', 'WORKER']
      const args = ['force', ...chain, '--receipts', receiptsFile(), '--key-env', 'STRANGER', ...authority]
      const { code, out, err } = await tally(args, worker)
      expect(err).to.deep.equal([])
      expect(code).to.equal(0)
      expect(out).to.include('force 1 receipts of 1 streams')
      await scenario.elapse(DAY)
      expect((await tally(['audit', ...chain, '--no-re-execute'])).code).to.equal(0)
    }).timeout(30_000)

    describe('from a worker’s store', () => {
      const worker = actorOf('alice 1')

      /** A store with one receipt of 2 units, signed, of a new deal. */
      async function storeOf(name: string, chainId: number): Promise<readonly string[]> {
        await scenario.deposit(ann, 500_000n)
        const { deal } = await scenario.open(alice, ann, { terms: { budget: 500_000n } })
        const file = join(folder, name)
        const store = createWorkerStore({
          file,
          identity: { chainId, settlement: scenario.deployment.settlement, worker: worker.address },
        })
        const hash = deal.key
        const order = { dealKey: hash, index: 0n, inputRoot: hash, maxUnits: 5n, signature: waiting.group.signature }
        store.addOrders([{ order, stream: 0, dealId: deal.id }])
        const ref = { dealKey: hash, stream: 0 }
        const hashes = { workHash: hash, outputRoot: hash, plainHash: hash, finalState: null }
        const made = { units: 2n, ...hashes, startedAt: 1n, endedAt: 2n }
        store.appendReceipt(ref, 0n, made)
        store.signTally(ref, 0, 1, (signed) => signCompact(tallyDigest(signed, scenario.domain), worker.key))
        store.close()
        return ['--store', file, '--worker', String(alice.workers[0]?.index)]
      }

      it('posts what it has signed and the chain has not settled, once', async () => {
        const own = await storeOf('worker.sqlite', scenario.chainId)
        const first = await tally(['force', ...chain, ...own, '--key-env', 'ALICE'], env)
        expect(first.err).to.deep.equal([])
        expect(first.out).to.include('force 1 receipts of 1 streams')
        const again = await tally(['force', ...chain, ...own, '--key-env', 'ALICE'], env)
        expect(again.err[0]).to.include('cli.nothing-to-force')
        expect((await tally(['audit', ...chain, '--no-re-execute'])).code).to.equal(0)
      })

      it('refuses one of another chain', async () => {
        const foreign = await storeOf('foreign.sqlite', 1)
        const said = await tally(['force', ...chain, ...foreign, '--key-env', 'ALICE'], env)
        expect(said.err[0]).to.include('cli.foreign-store')
      })

      it('refuses a file that is none', async () => {
        const none = ['--store', join(folder, 'none.sqlite'), '--worker', '512']
        const said = await tally(['force', ...chain, ...none, '--key-env', 'ALICE'], env)
        expect(said.err[0]).to.include('cli.unreadable-file')
      })
    })

    it('refuses a file without segments', async () => {
      const path = join(folder, 'empty.json')
      writeFileSync(path, '{"groups":[]}')
      const said = await tally(['force', ...chain, '--receipts', path, '--key-env', 'ALICE'], env)
      expect(said.err[0]).to.include('cli.unreadable-file')
    })
  })

  /** Work hash of a receipt of the first stream, without its 0x. */
  function waitingHash(position: number): string {
    const { deal } = waiting
    return scenario.receiptHash(deal, 0, position).slice(2)
  }
})
