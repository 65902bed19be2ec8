/**
 * What settling costs per receipt as there are more providers and deals that have nothing to do with it.
 *
 * @module
 */
import { Mode } from '#protocol/types.ts'
import { must } from '../bench/books.ts'
import type { Chain, ChainOptions } from '../bench/chain.ts'
import { joinCrowd, writeCrowd } from '../bench/crowd.ts'
import { begin, onChain, pack, type Round, settleRound } from '../bench/measure-settle.ts'
import { DEALS_PER_PROVIDER, receiptsOf, type Shape } from '../bench/workload.ts'
import type { Crowd } from './figures.ts'

/** What settles: ten deals of five providers. */
const OWN: Shape = { name: 'middle', deals: 10, buyers: 4, streamsPerDeal: 2, receiptsPerStream: 5 }
const OWN_PROVIDERS = OWN.deals / DEALS_PER_PROVIDER

/** Deals in the ledger, and how those of others get there. */
export const CROWDS: readonly (readonly [deals: number, by: Crowd['by']])[] = [
  [10, 'nobody else'],
  [1_000, 'transactions'],
  [1_000, 'words'],
  [100_000, 'words'],
]
/** Most that the dearest may be above the cheapest. */
const MOST_GROWTH = 1.01

/** Settles the same workload among others, one way after the other. */
export async function measureCrowd(options: ChainOptions, [deals, by]: (typeof CROWDS)[number]): Promise<Crowd> {
  const others = deals - OWN.deals
  return onChain(options, async (chain) => {
    await gather(chain, options.seed, others, by)
    const { calldata, blob } = await chain.undone(() => settleUsual(chain, options.seed))
    const net = await settleNetted(chain, options.seed)
    const perReceipt = ({ gas }: Round): number => Number(gas) / receiptsOf(OWN)
    return {
      ...{ deals, providers: others + OWN_PROVIDERS, by },
      ...{ calldata: perReceipt(calldata), blob: perReceipt(blob), net: perReceipt(net) },
    }
  })
}

const TERMS = { density: 'dense', rounds: 3 } as const

/** The second batch in calldata, the third in blobs. */
async function settleUsual(chain: Chain, seed: number): Promise<{ readonly calldata: Round; readonly blob: Round }> {
  const course = await begin(chain, seed, OWN, { ...TERMS, mode: Mode.Calldata })
  await settleRound(course, 0)
  const packed = await pack(course)
  const calldata = await settleRound(packed, 1)
  return { calldata, blob: await settleRound({ ...packed, mode: Mode.Blob }, 2) }
}

/** The second net batch of the same deals, netted. */
async function settleNetted(chain: Chain, seed: number): Promise<Round> {
  const course = await begin(chain, seed, OWN, { ...TERMS, mode: Mode.Net })
  await settleRound(course, 0)
  return settleRound(course, 1)
}

async function gather(chain: Chain, seed: number, others: number, by: Crowd['by']): Promise<void> {
  if (by === 'transactions') await joinCrowd(chain, seed, others)
  if (by === 'words') await writeCrowd(chain, seed, others)
}

/**
 * @throws Error when a receipt costs over 1 % more among many than among few, or a crowd that was written costs anything
 *   else than one of the same size that came by transactions.
 */
export function checkCrowds(crowds: readonly Crowd[]): void {
  for (const mode of ['calldata', 'blob', 'net'] as const) {
    const gas = crowds.map((crowd) => crowd[mode])
    const growth = Math.max(...gas) / Math.min(...gas)
    must(growth <= MOST_GROWTH, `a receipt in ${mode} costs ${growth} times as much among many`)
    for (const { deals, by } of crowds.filter((crowd) => crowd.by === 'transactions')) {
      const alike = crowds.filter((crowd) => crowd.deals === deals).map((crowd) => crowd[mode])
      must(new Set(alike).size === 1, `${deals} deals that came by ${by} and by words cost ${alike.join(' and ')}`)
    }
  }
}
