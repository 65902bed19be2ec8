import { expect } from 'chai'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { Mode } from '#protocol/types.ts'
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
import { call, put } from './support/member.ts'
import { type OracleProcess, prepareMember, startProcess } from './support/process.ts'
import { echoProgram, inputOf, orderOf, outputOf, type Place, receiptOf, segmentOf } from './support/work.ts'

const SENDING = ['proposal.signed', 'batch.attested', 'tx.signed', 'tx.committed', 'tx.broadcast', 'tx.mined']
/** What is passed on the way, by the mode receipts settle in. */
const FAULT_POINTS = {
  calldata: ['segment.stored', ...SENDING],
  blob: ['segment.stored', 'blobs.kept', ...SENDING],
} as const

const MODES = { calldata: Mode.Calldata, blob: Mode.Blob }

/** Transactions a member has sent and not yet seen in a block. */
async function unseen(url: string): Promise<number> {
  const { transactions } = (await call(url, '/v1/status')).body as { transactions: { sent?: number } }
  return transactions.sent ?? 0
}

for (const mode of ['calldata', 'blob'] as const)
  describe(`a member that settles in ${mode} and is killed`, function () {
    this.timeout(120_000)
    let chain: TestChain
    let deployment: Deployment
    let member: Awaited<ReturnType<typeof prepareMember>>
    let place: Place
    let running: OracleProcess

    before(async () => {
      chain = await startChain({ blockSeconds: 1 })
      const port = await freePort()
      const seat = { signer: accountOf('member 0').address, endpoint: `http://127.0.0.1:${port}` }
      deployment = await deploy(chain, [seat], 1)
      member = await prepareMember(chain, deployment, port, { batch: { maxAgeMs: 300, modes: [mode] } })
      running = await startProcess(member.config)
      const { id, key } = await openDeal(chain, deployment, {
        program: await put(running.url, await echoProgram()),
        streams: 1,
      })
      const domain = { chainId: 31_337, verifyingContract: deployment.settlement }
      place = { domain, dealId: id, dealKey: key, worker: 512 }
    })

    after(async () => {
      running?.kill('SIGKILL')
      await running?.ended
      await member?.remove()
      await chain?.stop()
    })

    for (const [task, point] of FAULT_POINTS[mode].entries()) {
      it(`at ${point} loses nothing and settles once`, async () => {
        running.kill('SIGTERM')
        expect(await running.ended, 'a stopped member ends by itself').to.equal(0)
        running = await startProcess(member.config, point)

        const { url } = running
        await put(url, inputOf(task))
        await put(url, outputOf(task))
        await untilTrue(async () => (await call(url, '/v1/orders', { orders: [orderOf(place, task)] })).status === 202)
        const segment = segmentOf(place, 0, [receiptOf(place, task)], { first: task, before: BigInt(task) })
        // a member killed before it answers is asked again, as a worker does
        await call(url, '/v1/segments', segment).catch(() => null)
        expect(await running.ended).to.equal('SIGKILL')

        running = await startProcess(member.config)
        expect((await call(running.url, '/v1/segments', segment)).status).to.equal(202)
        const cursor = async () => (await streamOf(chain, deployment.settlement, place.dealId, 0)).count
        await untilTrue(async () => (await cursor()) === task + 1, 40_000, 'settling')
        // the next point is not to be met by this transaction
        await untilTrue(async () => (await unseen(running.url)) === 0, 20_000, 'seeing the transaction mined')
      })
    }

    it('has sent one transaction per batch and no other', async () => {
      const settled = await chain.client.getContractEvents({
        address: deployment.settlement,
        abi: settlementAbi,
        eventName: 'Settled',
        fromBlock: 0n,
        strict: true,
      })
      expect(settled.map(({ args }) => args.applied)).to.deep.equal(FAULT_POINTS[mode].map(() => '0x01'))
      expect(settled.map(({ args }) => args.mode)).to.deep.equal(FAULT_POINTS[mode].map(() => MODES[mode]))
      const sent = await chain.client.getTransactionCount({ address: accountOf('gas 0').address })
      expect(sent).to.equal(FAULT_POINTS[mode].length)
    })
  })
