/**
 * Games about provable work on a real chain with real players on both sides, of which some lie: their runs err at a step.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { HardhatEthers } from '@nomicfoundation/hardhat-ethers/types'
import { type Address, type Hex, numberToHex, type PublicClient } from 'viem'

import { createBookReader } from '#auditor/challenge/book-reader.ts'
import { createChallenger, type Standing } from '#auditor/challenge/challenger.ts'
import type { Evidence } from '#auditor/challenge/sources.ts'
import { findTargets } from '#auditor/challenge/targets.ts'
import { settlementAbi } from '#protocol/abi.generated.ts'
import { orderDigest, taskHash } from '#protocol/eip712.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { Kind, type Receipt } from '#protocol/types.ts'
import { loadElf, programHash } from '#protocol/vm/elf.ts'
import { plainHashOf } from '#protocol/vm/result.ts'
import { stateHash } from '#protocol/vm/state.ts'
import { outputCommitment, workHash } from '#protocol/work.ts'
import { createSender } from '#runtime/act-sender.ts'
import { createActStore } from '#runtime/act-store.ts'
import { createCourt } from '#runtime/games/court.ts'
import { openingOf } from '#runtime/games/opening.ts'
import { createPlayer } from '#runtime/games/player.ts'
import { createPurse } from '#runtime/games/purse.ts'
import { createTruth } from '#runtime/games/truth.ts'
import { createLog } from '#runtime/log.ts'

import { deploy } from './deployment.ts'
import { createMarket, type Market, type OpenDeal, orderKey, USD } from './market.ts'
import { clientOf, fund, type Rpc } from './rpc.ts'
import { actorOf } from './scenario.ts'
import { createInterpreter, rounds, type Slip, summing } from './summing.ts'

const MAX_UNITS = 10n
const log = createLog({ name: 'players', level: process.env.TALLY_LOG === undefined ? 'silent' : 'debug' })

/** Work that was done, rightly or not, and what its receipt was made of. */
export type DoneWork = { readonly receipt: Receipt; readonly evidence: Evidence; readonly slip: Slip | undefined }

/** A market whose usual deal is about the summing program. */
export async function createProvableMarket(ethers: HardhatEthers): Promise<Market> {
  const offer = { kind: Kind.Provable, program: programHash(loadElf(summing)) }
  return await createMarket(await deploy(ethers), { offer, terms: { exposure: 10_000_000n } })
}

/** Does task `index` of a deal: so many rounds, erring as told. */
export async function doWork(
  market: Market,
  deal: OpenDeal,
  task: { readonly index: number; readonly count: number; readonly slip?: Slip },
): Promise<DoneWork> {
  const input = rounds(task.count)
  const order = { dealKey: deal.key, index: BigInt(task.index), inputRoot: dataRoot(input), maxUnits: MAX_UNITS }
  const execution = await createInterpreter(task.slip).executeProvable({ program: summing, input, maxUnits: MAX_UNITS })
  const outputRoot = dataRoot(execution.output)
  const plainHash = plainHashOf(outputRoot, stateHash(execution.finalState))
  const times = { startedAt: 1_000, endedAt: 2_000 }
  const commitment = outputCommitment(outputRoot, plainHash)
  const hash = workHash({ taskHash: taskHash(order), outputCommitment: commitment, ...times })
  const signature = orderKey.sign(orderDigest(order, market.domain))
  const { index, inputRoot, maxUnits } = order
  return {
    receipt: { units: execution.units, workHash: hash },
    slip: task.slip,
    evidence: {
      work: { order: { index, inputRoot, maxUnits, signature }, outputRoot, plainHash, ...times },
      program: summing,
      input,
    },
  }
}

/** Players around one market. */
export async function createTable(market: Market, rpc: Rpc) {
  const client: PublicClient = clientOf(rpc)
  const chainId = await client.getChainId()
  const folder = mkdtempSync(join(tmpdir(), 'tally-players-'))
  const [disputes, token, settlement, registry] = (await Promise.all(
    [market.disputes, market.dollar, market.settlement, market.registry].map((one) => one.getAddress()),
  )) as [Address, Address, Address, Address]
  const open = new Set<{ close(): void }>()

  async function endow(name: string, dollars = 1_000n): Promise<void> {
    const { address } = actorOf(name)
    await fund(rpc, address)
    await market.dollar.mint(address, dollars * USD)
  }

  /** Everything one key needs to act; made again from the same name, it goes on with what it sent. */
  function hand(name: string) {
    const { key: privateKey, address } = actorOf(name)
    const store = createActStore(join(folder, `${name}.sqlite`), name)
    open.add(store)
    const sender = createSender({
      ...{ client, store, chainId, log, key: { privateKey, address }, maxGas: 16_000_000n },
      ...{ confirmations: 1, dryRun: false, retryMs: 0, nowMs: () => Date.now() },
    })
    const court = createCourt({ client, address: disputes, settlement, fromBlock: 0n })
    const purse = createPurse({ client, sender, token, court: disputes })
    const leave = () => {
      store.close()
      open.delete(store)
    }
    return {
      address,
      settlement,
      sender,
      court,
      purse,
      leave,
      common: { client, court, settlement, sender, purse, log },
    }
  }

  return {
    client,
    endow,
    hand,
    /** What anybody sees. */
    court: createCourt({ client, address: disputes, settlement, fromBlock: 0n }),

    /** The provider's side: stands by its work as it did it. */
    asserter(works: readonly DoneWork[], name = 'asserter') {
      const { sender, court, purse, leave, common, address } = hand(name)
      const player = createPlayer({
        ...common,
        seatOf: ({ claim }) => {
          const done = works.find(({ receipt }) => receipt.workHash === claim.facts.workHash)
          return done === undefined ? null : { side: 'asserter', statement: async () => await statementOf(done) }
        },
      })
      const step = async () => {
        await sender.step()
        return await player.step(await court.read())
      }
      return { step, leave, address, purse, court }
    },

    /** Somebody who did the work again, erring as told, and thinks that the receipt is wrong. */
    challenger(done: DoneWork, slip?: Slip, name = 'challenger') {
      const { sender, court, purse, leave, common, address } = hand(name)
      const books = createBookReader(client, { settlement, registry }, 0n)
      const readInterval = async (interval: number) =>
        (
          await client.readContract({
            ...{ address: settlement, abi: settlementAbi, functionName: 'intervalChain', args: [interval] },
          })
        )[0]
      const { signal } = new AbortController()
      const challenger = createChallenger({ ...common, executor: createInterpreter(slip), readInterval, signal })
      const { evidence } = done
      async function step(): Promise<Standing> {
        await sender.step()
        const book = await books.read()
        const target = findTargets(book, { workHash: done.receipt.workHash }).at(-1)
        if (target === undefined) throw new Error('the receipt was not settled')
        const view = await court.read()
        const standing = await challenger.challenge({ target, evidence }, book, view)
        await challenger.play([{ target, evidence }], view)
        return standing
      }
      return { step, leave, address, purse, court }
    },

    async letPlay(provider: number, name = 'asserter'): Promise<void> {
      await endow(name)
      await market.disputes.connect(market.operator).setPlayer(provider, actorOf(name).address)
    },

    /** Lets time go by without anybody touching the protocol clock. */
    async pass(seconds: number): Promise<void> {
      await rpc.request({ method: 'evm_increaseTime', params: [numberToHex(seconds)] })
      await rpc.request({ method: 'evm_mine', params: [] })
    },
    /** Takes back everything since `snapshot`, and puts other, empty blocks there. */
    async reorganise(snapshot: unknown, blocks: number): Promise<void> {
      await rpc.request({ method: 'evm_revert', params: [snapshot] })
      await rpc.request({ method: 'evm_increaseTime', params: [numberToHex(3)] })
      for (let block = 0; block <= blocks; block += 1) await rpc.request({ method: 'evm_mine', params: [] })
    },
    snapshot: async (): Promise<unknown> => await rpc.request({ method: 'evm_snapshot', params: [] }),
    /** Whether transactions wait for {@link mine}. */
    holdBack: async (on: boolean) => void (await rpc.request({ method: 'evm_setAutomine', params: [!on] })),
    mine: async () => void (await rpc.request({ method: 'evm_mine', params: [] })),
    sentBy: async (address: Address): Promise<number> => await client.getTransactionCount({ address }),

    close(): void {
      for (const store of open) store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** What the doer of some work says for it: its own run, errors and all. */
async function statementOf({ evidence, slip }: DoneWork) {
  const { work, program, input } = evidence
  const executor = createInterpreter(slip)
  const truth = createTruth(executor, { program, input })
  const { startedAt, endedAt, order } = work
  const asserted = { startedAt: BigInt(startedAt), endedAt: BigInt(endedAt), order, program, input }
  const opening = async (): Promise<Hex> =>
    await openingOf(asserted, await executor.executeProvable({ program, input, maxUnits: order.maxUnits }), truth)
  return { truth, opening }
}
