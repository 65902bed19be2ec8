/**
 * Watches the chain for the worker's provider: its deals from the events that carry every term, everything else as state
 * at the newest block. A re-organisation drops the deals it took away; the state is read anew at every block anyhow.
 *
 * @module
 */
import { type Address, getAbiItem, type Hex, type PublicClient, zeroAddress } from 'viem'

import { committeeAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { pageAddress } from '#protocol/code-pages.ts'
import { DealState, type DealTerms, type Offer } from '#protocol/types.ts'
import { parseWorkerPage, workerIndex, workerPosition } from '#protocol/worker-pages.ts'
import { blockSource, type ChainChange, createChainFollower } from '#runtime/chain-follower.ts'

import {
  type ChainView,
  type DealFacts,
  type Fleet,
  type StreamFacts,
  streamName,
  streamsServed,
} from '../domain/view.ts'
import { WorkerError } from '../errors.ts'

/** Blocks after which a Closed deal is forgotten: deeper re-organisations stop the follower. */
const FORGET_AFTER = 128n
/** Blocks asked for at a time; public nodes refuse wide ranges. */
const LOG_RANGE = 2_000n

const dealOpened = getAbiItem({ abi: settlementAbi, name: 'DealOpened' })

/** Where the settlement lives. */
export type Contracts = { readonly settlement: Address; readonly registry: Address; readonly committee: Address }

/** Which worker this is. */
export type Membership = { readonly provider: number; readonly worker: number }

type Candidate = {
  readonly id: number
  readonly key: Hex
  readonly buyer: Address
  readonly offer: Offer
  readonly terms: DealTerms
  readonly openedAt: number
  readonly block: bigint
  closedIn: bigint | null
}

/** Reads the chain for one worker. */
export type ChainWatch = {
  /** Looks once; the newest view if the head moved, else null. */
  poll(): Promise<ChainView | null>
}

/**
 * Finds a worker in the registry's pages by its key: of several rows the first, which its provider registered.
 *
 * @throws WorkerError `worker.not-registered` when no page holds the key (or not at `index`).
 */
export async function findMembership(
  client: PublicClient,
  registry: Address,
  key: Address,
  index?: number,
): Promise<Membership> {
  for (let page = index === undefined ? 1 : workerPosition(index).page; ; page += 1) {
    const code = await client.getCode({ address: pageAddress(registry, page) })
    if (code === undefined || code === '0x') break
    const found = membersIn(page, code, key).find(({ worker }) => index === undefined || worker === index)
    if (found !== undefined) return found
    if (index !== undefined) break
  }
  throw new WorkerError('worker.not-registered', `no provider has registered the worker ${key}`)
}

/** Rows of a page that hold a key. */
function membersIn(page: number, code: Hex, key: Address): Membership[] {
  return parseWorkerPage(code)
    .map((row, index) => ({ ...row, worker: workerIndex(page, index) }))
    .filter((row) => row.key.toLowerCase() === key.toLowerCase())
    .map(({ provider, worker }) => ({ provider, worker }))
}

/** Creates the watch of one worker. */
export function createChainWatch(options: {
  readonly client: PublicClient
  readonly contracts: Contracts
  readonly fromBlock: bigint
  readonly membership: Membership
  readonly fleet: Fleet
}): ChainWatch {
  const { client, contracts, membership, fleet } = options
  const candidates = new Map<Hex, Candidate>()
  let view: ChainView | null = null
  const settlement = { address: contracts.settlement, abi: settlementAbi } as const
  const committee = { address: contracts.committee, abi: committeeAbi } as const

  async function readOpened(from: bigint, to: bigint): Promise<void> {
    for (let at = from; at <= to; at += LOG_RANGE) {
      const end = at + LOG_RANGE - 1n < to ? at + LOG_RANGE - 1n : to
      const logs = await client.getLogs({
        ...{ address: contracts.settlement, event: dealOpened, strict: true, fromBlock: at, toBlock: end },
      })
      for (const { args, blockNumber } of logs) {
        if (args.provider !== membership.provider) continue
        const { id, key, buyer, offer, terms, openedAt } = args
        candidates.set(key, {
          ...{ id, key, buyer, offer, openedAt, block: blockNumber, closedIn: null },
          terms: { ...terms, exposure: BigInt(terms.exposure) },
        })
      }
    }
  }

  async function readDeal(candidate: Candidate, blockNumber: bigint): Promise<DealFacts | null> {
    const now = await client.readContract({ ...settlement, functionName: 'deal', args: [candidate.id], blockNumber })
    // an id is reused one day: only the key says whose it is
    const isLive = now.key === candidate.key && (now.state === DealState.Open || now.state === DealState.Closing)
    candidate.closedIn = isLive ? null : (candidate.closedIn ?? blockNumber)
    if (!isLive) return null
    const { state, end, budget, remaining, allowance, place } = now
    const { id, key, offer, terms, openedAt } = candidate
    const orderKey = now.orderKey === zeroAddress ? candidate.buyer : now.orderKey
    return { id, key, offer, terms, openedAt, state, end, budget, remaining, allowance, place, orderKey }
  }

  async function readStream(deal: DealFacts, stream: number, blockNumber: bigint): Promise<[string, StreamFacts]> {
    const args = [deal.id, stream] as const
    const [count, units, acknowledged] = await client.readContract({
      ...{ ...settlement, functionName: 'stream', args, blockNumber },
    })
    const facts = { count, units: BigInt(units), acknowledged: BigInt(acknowledged) }
    return [streamName({ dealKey: deal.key, stream }), facts]
  }

  async function readCommittee(blockNumber: bigint): Promise<Pick<ChainView, 'endpoints' | 'committee'>> {
    const epoch = await client.readContract({ ...committee, functionName: 'currentEpoch', blockNumber })
    const args = [epoch] as const
    const [, members] = await client.readContract({ ...committee, functionName: 'committee', args, blockNumber })
    const endpoints = members.map(({ endpoint }) => endpoint.replace(/\/+$/, ''))
    return { endpoints, committee: { epoch, signers: members.map(({ signer }) => signer) } }
  }

  async function readView(block: bigint): Promise<ChainView> {
    const at = { blockNumber: block }
    const earningsOf = [membership.provider] as const
    const revocationOf = [membership.worker] as const
    const [clock, parameters, earnings, revokedFrom, committeeNow, found] = await Promise.all([
      client.readContract({ ...settlement, functionName: 'clock', ...at }),
      client.readContract({ ...settlement, functionName: 'parameters', ...at }),
      client.readContract({ ...settlement, functionName: 'earnings', args: earningsOf, ...at }),
      client.readContract({
        ...{ address: contracts.registry, abi: registryAbi, functionName: 'revokedFrom', args: revocationOf, ...at },
      }),
      readCommittee(block),
      Promise.all([...candidates.values()].map((candidate) => readDeal(candidate, block))),
    ])
    const deals = found.filter((deal) => deal !== null)
    const streams = await Promise.all(
      deals.flatMap((deal) =>
        streamsServed(deal.terms.streams, fleet).map((stream) => readStream(deal, stream, block)),
      ),
    )
    return {
      ...{ block, clock, revokedFrom, ...committeeNow, ...membership },
      ...{ cover: earnings.cover, unmatured: earnings.unmatured, closingPeriod: parameters.closingPeriod },
      deals: new Map(deals.map((deal) => [deal.key, deal])),
      streams: new Map(streams),
    }
  }

  async function apply(change: ChainChange): Promise<void> {
    const { ancestor, head } = change
    for (const { key, block, closedIn } of candidates.values()) {
      const isUndone = ancestor === null || block > ancestor
      if (isUndone || (closedIn !== null && head.number - closedIn > FORGET_AFTER)) candidates.delete(key)
    }
    await readOpened(change.from, head.number)
    view = await readView(head.number)
  }

  const source = blockSource(client)
  const follower = createChainFollower({ source, window: [], start: options.fromBlock, apply })
  return { poll: async () => ((await follower.poll()) ? view : null) }
}
