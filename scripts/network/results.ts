/**
 * What the buyers bought: the tasks' results, fetched by their hashes from whoever did them.
 *
 * @module
 */
import { dataRoot } from '#protocol/merkle.ts'
import { decodeResult, ResultStatus } from '#protocol/work.ts'

import { type Summary, summarise } from '../../examples/quiet-skies/workload.ts'
import { eachOf, getBytes } from './boards.ts'
import type { LocalNetwork } from './local-network.ts'
import { receiptsOf, settledOf, workerOf } from './streams.ts'
import type { Workload } from './work-orders.ts'

/** Fetches and verifies every settled result. */
export async function collectResults(network: LocalNetwork, works: readonly Workload[]): Promise<Summary> {
  const outputs: Uint8Array[] = []
  for (const { deal } of works) {
    const settled = await settledOf(network, deal)
    for (const [stream, to] of settled.entries()) {
      const worker = workerOf(network, deal, stream)
      const receipts = await receiptsOf(worker, deal, stream, { from: 0, to })
      await eachOf(receipts, 8, async ({ outputRoot }) => {
        const bytes = await getBytes(`${worker.url}/v1/data/${outputRoot}`)
        if (dataRoot(bytes) !== outputRoot) throw new Error(`${worker.name} serves other bytes for ${outputRoot}`)
        const { status, output } = decodeResult(bytes)
        if (status === ResultStatus.Done) outputs.push(output)
      })
    }
  }
  return summarise(outputs)
}
