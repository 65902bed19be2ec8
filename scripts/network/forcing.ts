/**
 * A provider that no committee member serves settles alone: it reads its workers' stores and posts what they signed.
 *
 * @module
 */
import { join } from 'node:path'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { buildForceBatch, forceGroup } from '#worker/force.ts'
import { createWorkerStore } from '#worker/store.ts'

import type { LocalNetwork } from './local-network.ts'
import { type Deal, domainOf } from './market.ts'
import { settledOf, workerOf } from './streams.ts'

/** Forces everything signed and unsettled of a deal, sent by its provider's owner. @returns Receipts forced. */
export async function forceDeal(network: LocalNetwork, deal: Deal): Promise<number> {
  const provider = network.providers.find(({ id }) => id === deal.provider)
  if (provider === undefined) throw new Error(`there is no provider ${deal.provider}`)
  const cursors = await settledOf(network, deal)
  const groups = cursors.flatMap((cursor, stream) => {
    const { store: folder, index } = workerOf(network, deal, stream)
    const store = createWorkerStore({ file: join(folder, 'worker.sqlite'), readOnly: true })
    try {
      const group = forceGroup({ store, ref: { dealKey: deal.key, stream }, cursor, worker: index })
      return group === null ? [] : [group]
    } finally {
      store.close()
    }
  })
  if (groups.length === 0) return 0
  const { owner } = provider
  // the owner itself sends, which is all the authority it takes
  const { batch, authority, receipts } = buildForceBatch({ groups, domain: domainOf(network), sender: owner.address })
  const { settlement: address } = network.deployment
  await owner.call({ address, abi: settlementAbi, functionName: 'settle', args: [batch, authority] })
  return receipts
}
