import { expect } from 'chai'
import type { Hex } from 'viem'

import {
  accountOf,
  type Deployment,
  deploy,
  freePort,
  openDeal,
  startChain,
  streamOf,
  type TestChain,
  untilTrue,
} from './support/chain.ts'
import { call, put, startMember, type TestMember } from './support/member.ts'
import { echoProgram, inputOf, orderOf, outputOf, type Place, receiptOf, segmentOf } from './support/work.ts'

for (const mode of ['calldata', 'blob'])
  describe(`a member that settles in ${mode} on a chain that re-organises`, function () {
    this.timeout(120_000)
    let chain: TestChain
    let deployment: Deployment
    let member: TestMember
    let place: Place

    before(async () => {
      chain = await startChain({ blockSeconds: 1 })
      const port = await freePort()
      const seat = { signer: accountOf('member 0').address, endpoint: `http://127.0.0.1:${port}` }
      deployment = await deploy(chain, [seat], 1)
      // final only after 8 blocks, so that everything here happens to what is not final
      member = await startMember(chain, deployment, {
        index: 0,
        port,
        settings: { finalDepth: 8, batch: { maxAgeMs: 300, modes: [mode] } },
      })
      const { id, key } = await openDeal(chain, deployment, {
        program: await put(member.url, await echoProgram()),
        streams: 1,
      })
      const domain = { chainId: 31_337, verifyingContract: deployment.settlement }
      place = { domain, dealId: id, dealKey: key, worker: 512 }
      // the deal itself must survive every re-organisation of this test
      await chain.client.mine({ blocks: 10 })
    })

    after(async () => {
      await member?.remove()
      await chain?.stop()
    })

    const cursor = async () => (await streamOf(chain, deployment.settlement, place.dealId, 0)).count

    async function deliver(task: number): Promise<string> {
      const { url } = member
      await put(url, inputOf(task))
      await put(url, outputOf(task))
      await untilTrue(async () => (await call(url, '/v1/orders', { orders: [orderOf(place, task)] })).status === 202)
      const segment = segmentOf(place, 0, [receiptOf(place, task)], { first: task, before: BigInt(task) })
      const { status, body } = await call(url, '/v1/segments', segment)
      expect(status).to.equal(202)
      return String(body.tallyHash)
    }
    const statusOf = async (hash: string) => (await call(member.url, `/v1/segments/${hash}`)).body.status

    /** The cursor may be seen to move a moment before the event that names the transaction. */
    async function transactionOf(hash: string): Promise<Hex> {
      const read = async () => (await call(member.url, `/v1/segments/${hash}`)).body.transaction
      await untilTrue(async () => (await read()) !== undefined, 10_000, 'naming the transaction')
      return String(await read()) as Hex
    }

    for (const [task, below] of [0, 1, 2, 5].entries()) {
      it(`settles again what was lost with ${below} block(s) below it`, async () => {
        const hash = await deliver(task)
        await untilTrue(async () => (await statusOf(hash)) === 'settled', 60_000, 'settling')
        const transaction = await transactionOf(hash)
        const { blockHash, blockNumber } = await chain.client.getTransactionReceipt({ hash: transaction })

        // anvil drops the transactions of the blocks it replaces: only the stored bytes can bring this one back
        const depth = Number((await chain.client.getBlockNumber()) - blockNumber) + 1 + below
        await chain.client.request({ method: 'anvil_reorg' as never, params: [depth, []] as never })
        await untilTrue(
          async () => {
            const now = await chain.client.getTransactionReceipt({ hash: transaction }).catch(() => null)
            return now !== null && now.blockHash !== blockHash
          },
          20_000,
          'settling again',
        )
        expect(await cursor()).to.equal(task + 1)
        await untilTrue(async () => (await statusOf(hash)) === 'settled', 10_000, 'knowing it')
      })
    }

    it('calls all of it final in the end, each receipt paid once', async () => {
      await chain.client.mine({ blocks: 12 })
      await untilTrue(
        async () => {
          const { segments, transactions } = (await call(member.url, '/v1/status')).body
          return JSON.stringify([segments, transactions]) === JSON.stringify([{ final: 4 }, { final: 4 }])
        },
        20_000,
        'becoming final',
      )
      expect(await streamOf(chain, deployment.settlement, place.dealId, 0)).to.deep.equal({ count: 4, units: 4n })
      const metrics = await (await fetch(`${member.url}/metrics`)).text()
      expect(metrics).to.match(/tally_oracle_reorganisations_total\{depth="\d+"\} [1-9]/)
    })

    it('halts loudly when somebody else uses its gas key', async () => {
      const hash = await chain.client.sendTransaction({
        account: accountOf('gas 0'),
        to: accountOf('buyer').address,
        value: 1n,
      })
      await chain.client.waitForTransactionReceipt({ hash })
      await deliver(4)
      await untilTrue(async () => (await call(member.url, '/v1/status')).body.halted !== null, 20_000, 'halting')
      expect((await call(member.url, '/readyz')).body.code).to.equal('node.not-ready')
      // it still takes work in and answers
      expect((await call(member.url, '/healthz')).status).to.equal(200)
    })
  })
