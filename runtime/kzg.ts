/**
 * EIP-4844's commitments and proofs: `rust-eth-kzg` where its prebuilt binding loads, else the same in plain JavaScript
 * on a thread of its own. Both bring the ceremony's trusted setup with their package.
 *
 * Nothing here blocks the event loop but the binding's start, once, about 1.5 s.
 *
 * @module
 */
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'

import type { Hex } from 'viem'

import { TallyError } from '#protocol/errors.ts'
import { BLOB_BYTES, elementPoint, FIELD_ORDER, versionedHash } from '#protocol/kzg.ts'
import { uintBytes } from '#protocol/words.ts'

import type { KzgTask } from './kzg-thread.ts'

/** Opening of a blob at one element, as the point evaluation precompile takes it. */
export type PointProof = {
  /** Where the polynomial is evaluated, 32 bytes. */
  readonly z: Uint8Array
  /** The element, 32 bytes. */
  readonly y: Uint8Array
  /** 48 bytes. */
  readonly proof: Uint8Array
}

/** Commitments and proofs of blobs of 131,072 bytes; every method rejects with {@link KzgError}. */
export type Kzg = {
  /** Whether the prebuilt binding does the work. */
  readonly native: boolean
  /** Commitment to a blob, 48 bytes. */
  commit(blob: Uint8Array): Promise<Uint8Array>
  /** Hash by which the chain names the blob of a commitment. */
  versionedHash(commitment: Uint8Array): Hex
  /** Proof that a blob belongs to its commitment, 48 bytes. */
  blobProof(blob: Uint8Array, commitment: Uint8Array): Promise<Uint8Array>
  /** The 128 proofs of EIP-7594's cells, 48 bytes each. */
  cellProofs(blob: Uint8Array): Promise<Uint8Array[]>
  /** Proof of the value of element `index`. */
  pointProof(blob: Uint8Array, index: number): Promise<PointProof>
}

/** Thrown when bytes are no blob: `kzg.invalid-blob`. */
export class KzgError extends TallyError {
  override readonly name = 'KzgError'
}

type Engine = (task: KzgTask) => Promise<Uint8Array[]>

type Context = {
  asyncBlobToKzgCommitment(blob: Uint8Array): Promise<Uint8Array>
  asyncComputeBlobKzgProof(blob: Uint8Array, commitment: Uint8Array): Promise<Uint8Array>
  asyncComputeCellsAndKzgProofs(blob: Uint8Array): Promise<{ proofs: Uint8Array[] }>
  asyncComputeKzgProof(blob: Uint8Array, z: Uint8Array): Promise<Uint8Array[]>
}
type Binding = { readonly DasContextJs: { create(options: { usePrecomp: boolean }): Context } }

/**
 * Creates commitments and proofs; the setup is loaded at the first use.
 *
 * @param options - `native` false keeps to JavaScript, as tests of the fall-back do.
 */
export function createKzg(options: { readonly native?: boolean } = {}): Kzg {
  const binding = options.native === false ? undefined : loadBinding()
  const engine = binding === undefined ? runInThread : bound(binding)

  async function run(task: KzgTask): Promise<Uint8Array[]> {
    checkBlob(task.blob)
    return await engine(task)
  }
  async function runOne(task: KzgTask): Promise<Uint8Array> {
    const [point] = await run(task)
    if (point === undefined) throw new Error('the engine gave no answer')
    return point
  }

  return {
    native: binding !== undefined,
    versionedHash,
    commit: (blob) => runOne({ kind: 'commit', blob }),
    blobProof: (blob, commitment) => runOne({ kind: 'blobProof', blob, commitment }),
    cellProofs: (blob) => run({ kind: 'cellProofs', blob }),
    pointProof: async (blob, index) => {
      const z = uintBytes(elementPoint(index), 256, 'z')
      const proof = await runOne({ kind: 'pointProof', blob, z })
      return { z, y: blob.slice(32 * index, 32 * index + 32), proof }
    },
  }
}

const ORDER = uintBytes(FIELD_ORDER, 256, 'order')

function checkBlob(blob: Uint8Array): void {
  if (blob.length !== BLOB_BYTES)
    throw new KzgError('kzg.invalid-blob', `a blob has ${BLOB_BYTES} bytes, these are ${blob.length}`)
  for (let at = 0; at < BLOB_BYTES; at += 32) {
    // nearly every element is below the field's order by its first byte
    if ((blob[at] ?? 0) >= (ORDER[0] ?? 0) && Buffer.compare(blob.subarray(at, at + 32), ORDER) >= 0)
      throw new KzgError('kzg.invalid-blob', `element ${at / 32} is not below the field's order`)
  }
}

function bound({ DasContextJs }: Binding): Engine {
  let loaded: Context | undefined
  return async (task) => {
    // without tables of multiples: they save 90 ms a blob's cells and cost 100 MB and a slower start
    loaded ??= DasContextJs.create({ usePrecomp: false })
    switch (task.kind) {
      case 'commit':
        return [await loaded.asyncBlobToKzgCommitment(task.blob)]
      case 'blobProof':
        return [await loaded.asyncComputeBlobKzgProof(task.blob, task.commitment)]
      case 'cellProofs':
        return (await loaded.asyncComputeCellsAndKzgProofs(task.blob)).proofs
      case 'pointProof':
        return (await loaded.asyncComputeKzgProof(task.blob, task.z)).slice(0, 1)
    }
  }
}

/** One thread a task: its start is short beside what it computes, and nothing is left to be closed. */
function runInThread(task: KzgTask): Promise<Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./kzg-thread.ts', import.meta.url), { workerData: task })
    thread.once('message', resolve)
    thread.once('error', reject)
    thread.once('exit', () => reject(new Error('the thread gave no answer')))
  })
}

/** An optional package without a build for this platform throws when it is loaded. */
function loadBinding(): Binding | undefined {
  try {
    const loaded: unknown = createRequire(import.meta.url)('@crate-crypto/node-eth-kzg')
    return isBinding(loaded) ? loaded : undefined
  } catch {
    return undefined
  }
}

function isBinding(loaded: unknown): loaded is Binding {
  return (
    typeof loaded === 'object' &&
    loaded !== null &&
    'DasContextJs' in loaded &&
    typeof loaded.DasContextJs === 'function' &&
    'create' in loaded.DasContextJs
  )
}
