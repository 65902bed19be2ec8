/**
 * The auditor's turn: it is given the chain, one address, and where to ask for preimages.
 *
 * @module
 */
import { audit } from '#auditor/audit.ts'
import { createBlobArchive } from '#auditor/blobs.ts'
import { createChainSource } from '#auditor/chain-source.ts'
import { createReExecution } from '#auditor/re-execution.ts'
import type { AuditReport } from '#auditor/report.ts'
import { createKzg } from '#runtime/kzg.ts'
import type { TaskExecutor } from '#runtime/tasks.ts'

import type { LocalNetwork } from './local-network.ts'

/** Audits a network from its first block to its newest. */
export async function auditNetwork(
  network: LocalNetwork,
  options: {
    readonly executor: TaskExecutor
    readonly onProgress: (block: number, head: number) => void
    readonly signal: AbortSignal
  },
): Promise<AuditReport> {
  const { client, rpcUrl, deployment, workers } = network
  const { executor, signal } = options
  return audit({
    source: createChainSource({
      ...{ client, name: rpcUrl },
      readBlob: createBlobArchive({ kzg: createKzg(), archives: [], signal }),
    }),
    address: deployment.settlement,
    reExecute: createReExecution({ executor, fetch, signal, urls: workers.map(({ url }) => url) }),
    onProgress: options.onProgress,
    signal,
  })
}
