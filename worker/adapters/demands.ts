/**
 * Demands about the worker's receipts, and answers to them.
 *
 * @module
 */
import { type Address, createWalletClient, getAbiItem, type Hex, http, type PublicClient } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

import { demandsAbi } from '#protocol/abi.generated.ts'
import type { Chunk } from '#protocol/courts.ts'

import type { SignedOrder } from '../rows.ts'

/** Blocks asked for at a time; public nodes refuse wide ranges. */
const LOG_RANGE = 2_000n
/** Blocks read again each time: a demand that a re-organisation moved is found where it is now. */
const OVERLAP = 128n
/** `IDemands.DemandState`. */
const OPEN = 1

const demanded = getAbiItem({ abi: demandsAbi, name: 'Demanded' })

/** What is asked for, as `IDemands.Ask`. */
export const Ask = { Order: 0, Output: 1, Input: 2, Work: 3 } as const

/** `IDemands.Demand`. */
export type DemandFacts = {
  readonly ask: number
  readonly side: number
  readonly id: number
  readonly key: Hex
  readonly stream: number
  readonly index: number
  readonly units: bigint
  readonly keep: number
  readonly last: number
  readonly forced: boolean
  readonly settledAt: number
  readonly subject: Hex
  readonly chunk: number
  readonly by: Address
  readonly prepaid: bigint
  readonly until: number
}

/** `ICourt.Work`. */
export type WorkShown = {
  readonly taskHash: Hex
  readonly outputRoot: Hex
  readonly plainHash: Hex
  readonly startedAt: bigint
  readonly endedAt: bigint
}

/** The demands court as a worker uses it. */
export type Demands = {
  /** Demands that are open, of blocks not seen before and of the newest ones. */
  read(): Promise<readonly { readonly id: Hex; readonly facts: DemandFacts }[]>
  isOpen(id: Hex): Promise<boolean>
  /** Each waits for its block. @returns The transaction's hash. */
  answerOrder(facts: DemandFacts, work: WorkShown, order: SignedOrder): Promise<Hex>
  answerOutput(facts: DemandFacts, work: WorkShown, chunk: Chunk): Promise<Hex>
}

/** Creates the court's client of one gas key. */
export function createDemands(options: {
  readonly client: PublicClient
  readonly rpcUrl: string
  readonly address: Address
  readonly fromBlock: bigint
  readonly privateKey: Hex
}): Demands {
  const { client, address } = options
  const account = privateKeyToAccount(options.privateKey)
  const wallet = createWalletClient({ account, transport: http(options.rpcUrl) })
  const court = { address, abi: demandsAbi, account, chain: null } as const
  let from = options.fromBlock

  async function isOpen(id: Hex): Promise<boolean> {
    const [state] = await client.readContract({ address, abi: demandsAbi, functionName: 'demandOf', args: [id] })
    return state === OPEN
  }

  async function mined(hash: Hex): Promise<Hex> {
    await client.waitForTransactionReceipt({ hash })
    return hash
  }

  return {
    isOpen,

    async read() {
      const head = await client.getBlockNumber({ cacheTime: 0 })
      const found: { id: Hex; facts: DemandFacts }[] = []
      for (let at = from; at <= head; at += LOG_RANGE) {
        const toBlock = at + LOG_RANGE - 1n < head ? at + LOG_RANGE - 1n : head
        const logs = await client.getLogs({ address, event: demanded, strict: true, fromBlock: at, toBlock })
        found.push(...logs.map(({ args }) => ({ id: args.demand, facts: args.facts })))
      }
      from = head > OVERLAP ? head - OVERLAP : 0n
      return found
    },

    async answerOrder(facts, work, { index, inputRoot, maxUnits, signature }) {
      const order = { index, inputRoot, maxUnits: Number(maxUnits) }
      const args = [facts, work, order, signature] as const
      await client.simulateContract({ address, abi: demandsAbi, account, functionName: 'answerOrder', args })
      return await mined(await wallet.writeContract({ ...court, functionName: 'answerOrder', args }))
    },

    async answerOutput(facts, work, chunk) {
      const args = [facts, work, chunk] as const
      await client.simulateContract({ address, abi: demandsAbi, account, functionName: 'answerOutput', args })
      return await mined(await wallet.writeContract({ ...court, functionName: 'answerOutput', args }))
    },
  }
}
