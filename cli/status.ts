/**
 * `tally status`: what a settlement holds and does, read from the chain alone.
 *
 * @module
 */
import Table from 'cli-table3'
import { type Address, formatUnits, parseAbi } from 'viem'

import { committeeAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { kindName } from '#protocol/types.ts'

import { type Deployment, openDeployment, reasonOf } from './chain.ts'
import { CliError } from './errors.ts'
import { type Io, toJson } from './io.ts'

/** Flags of `tally status`. */
export type StatusFlags = { rpc: string; address: Address; fromBlock?: number; json?: boolean }

const DEAL_STATES = ['none', 'open', 'closing', 'closed'] as const
const LANES = ['acknowledged', 'attested', 'forced'] as const

const balanceAbi = parseAbi(['function balanceOf(address account) view returns (uint256)'])

type Status = Awaited<ReturnType<typeof readStatus>>

async function readHead({ client, settlement, committee, token }: Deployment) {
  const own = { abi: settlementAbi, address: settlement } as const
  const [block, clock, held, fees, pausedUntil, parameters, epoch] = await Promise.all([
    client.getBlockNumber(),
    client.readContract({ ...own, functionName: 'clock' }),
    client.readContract({ abi: balanceAbi, address: token.address, functionName: 'balanceOf', args: [settlement] }),
    client.readContract({ ...own, functionName: 'fees' }),
    client.readContract({ ...own, functionName: 'pausedUntil' }),
    client.readContract({ ...own, functionName: 'parameters' }),
    client.readContract({ abi: committeeAbi, address: committee, functionName: 'currentEpoch' }),
  ])
  const args = [epoch] as const
  const [threshold, members] = await client.readContract({
    abi: committeeAbi,
    address: committee,
    functionName: 'committee',
    args,
  })
  return {
    block,
    clock,
    held,
    fees: { protocol: fees[0], committee: fees[1] },
    pausedUntil,
    parameters,
    committee: { epoch, threshold, members },
  }
}

async function readDeal({ client, settlement }: Deployment, id: number) {
  const own = { abi: settlementAbi, address: settlement } as const
  const deal = await client.readContract({ ...own, functionName: 'deal', args: [id] })
  const streams = await Promise.all(
    Array.from({ length: deal.streams }, async (_, index) => {
      const args = [id, index] as const
      const [count, units, acknowledged] = await client.readContract({ ...own, functionName: 'stream', args })
      return { stream: index, receipts: count, units, acknowledged }
    }),
  )
  const { key, buyer, provider, budget, remaining, end } = deal
  const kind = kindName(deal.kind)
  return { id, state: DEAL_STATES[deal.state] ?? 'none', kind, key, buyer, provider, budget, remaining, end, streams }
}

async function readProvider({ client, settlement, registry }: Deployment, id: number) {
  const args = [id] as const
  const [{ owner, payout, stake, liens, thawing }, earnings] = await Promise.all([
    client.readContract({ abi: registryAbi, address: registry, functionName: 'providerOf', args }),
    client.readContract({ abi: settlementAbi, address: settlement, functionName: 'earnings', args }),
  ])
  const { claimable, unmatured, cover } = earnings
  return { id, owner, payout, stake, reserved: liens, thawing, claimable, unmatured, cover }
}

async function readStatus(deployment: Deployment, fromBlock: bigint) {
  const { client, settlement, registry } = deployment
  const range = { fromBlock, toBlock: 'latest' } as const
  const own = { abi: settlementAbi, address: settlement, ...range } as const
  const [head, opened, settled, joined] = await Promise.all([
    readHead(deployment),
    client.getContractEvents({ ...own, eventName: 'DealOpened', strict: true }),
    client.getContractEvents({ ...own, eventName: 'Settled', strict: true }),
    client.getContractEvents({ abi: registryAbi, address: registry, eventName: 'Joined', strict: true, ...range }),
  ])
  const ids = [...new Set(opened.map(({ args }) => args.id))]
  const deals = await Promise.all(ids.map(async (id) => await readDeal(deployment, id)))
  return {
    chainId: deployment.chainId,
    settlement,
    registry,
    committee: deployment.committee,
    token: deployment.token,
    head,
    deals: deals.filter(({ state }) => state !== 'none'),
    providers: await Promise.all(joined.map(async ({ args }) => await readProvider(deployment, args.provider))),
    batches: settled.map(({ args, transactionHash, blockNumber }) => ({
      block: blockNumber,
      transaction: transactionHash,
      lane: LANES[args.lane] ?? 'unknown',
      root: args.root,
      applied: args.applied,
    })),
  }
}

function table(head: readonly string[], rows: readonly (readonly (string | number | bigint)[])[]): string {
  if (rows.length === 0) return '  none'
  const drawn = new Table({ head: [...head], style: { head: [], border: [] } })
  drawn.push(...rows.map((row) => row.map(String)))
  return drawn.toString()
}

function render(status: Status): string {
  const { token, head, deals, providers, batches } = status
  const money = (amount: bigint): string => `${formatUnits(amount, token.decimals)} ${token.symbol}`
  const streams = deals.flatMap(({ id, streams: all }) => all.map((one) => ({ id, ...one })))
  const fees = money(head.fees.protocol + head.fees.committee)
  return [
    `settlement ${status.settlement} on chain ${status.chainId}, block ${head.block}`,
    `clock ${head.clock} · holds ${money(head.held)} · fees ${fees} · committee epoch ${head.committee.epoch}`,
    '',
    'deals',
    table(
      ['id', 'state', 'kind', 'provider', 'buyer', 'budget', 'remaining'],
      deals.map(({ id, state, kind, provider, buyer, budget, remaining }) => {
        return [id, state, kind, provider, buyer, money(budget), money(remaining)]
      }),
    ),
    'streams',
    table(
      ['deal', 'stream', 'receipts', 'units', 'acknowledged'],
      streams.map(({ id, stream, receipts, units, acknowledged }) => [id, stream, receipts, units, acknowledged]),
    ),
    'providers',
    table(
      ['id', 'owner', 'claimable', 'in its window', 'cover'],
      providers.map((one) => [one.id, one.owner, money(one.claimable), money(one.unmatured), money(one.cover)]),
    ),
    `batches (the last 10 of ${batches.length})`,
    table(
      ['block', 'lane', 'transaction'],
      batches.slice(-10).map(({ block, lane, transaction }) => [block, lane, transaction]),
    ),
  ].join('\n')
}

/** Runs `tally status`. */
export async function statusCommand(io: Io, flags: StatusFlags): Promise<void> {
  const deployment = await openDeployment(flags.rpc, flags.address)
  let status: Status
  try {
    status = await readStatus(deployment, BigInt(flags.fromBlock ?? 0))
  } catch (error) {
    throw new CliError('cli.chain-unreachable', `the chain stopped answering: ${reasonOf(error)}`, { cause: error })
  }
  io.out(flags.json === true ? toJson(status) : render(status))
}
