/**
 * The proof that a blob does not hold what was signed, as the openings contract takes it.
 *
 * @module
 */
import { bytesToHex, type Hex } from 'viem'

import { blobTable, type RootedBlob } from '#protocol/batch-root.ts'
import { BlobError, openGroup } from '#protocol/blob.ts'
import { concatBytes, toHex } from '#protocol/words.ts'

import type { Kzg } from './kzg.ts'

/** `IOpenings.BlobOpening`. */
export type BlobOpening = {
  readonly blobs: Hex
  readonly commitment: Hex
  readonly entries: readonly Hex[]
  readonly skip: number
  readonly elements: readonly Hex[]
  readonly proofs: Hex
}

/** Where a group stands among the blobs of its batch. */
export type BlobPlace = {
  /** Which of the blobs. */
  readonly blob: number
  /** Groups of the blob before it. */
  readonly within: number
}

/**
 * The blob that holds group `index` of a batch.
 *
 * @throws BlobError when the blobs hold fewer groups.
 */
export function placeOf(blobs: readonly RootedBlob[], index: number): BlobPlace {
  let within = index
  for (const [blob, { groups }] of blobs.entries()) {
    if (within < groups) return { blob, within }
    within -= groups
  }
  throw new BlobError('blob.group-count', index, `the batch has no group ${index}`)
}

/**
 * Opens as much of a blob as shows what is wrong with group `index` of a batch: the entry, one element, or all bytes.
 *
 * @param blobs - The batch's blobs, as its root binds them.
 * @param blob - Bytes of the group's blob.
 * @throws BlobError when the batch has no such group.
 */
export async function openBlob(
  kzg: Kzg,
  blobs: readonly RootedBlob[],
  index: number,
  blob: Uint8Array,
): Promise<BlobOpening> {
  const place = placeOf(blobs, index)
  const { within } = place
  const opened = openGroup(blob, blobs[place.blob]?.groups ?? 0, within)
  const entries = within === 0 ? [within] : [within - 1, within]
  let elements: number[] = []
  if (opened.kind === 'bad-element') elements = [opened.position]
  if (opened.kind === 'bytes')
    elements = Array.from({ length: opened.elements.count }, (_, at) => opened.elements.start + at)
  const start = new DataView(blob.buffer, blob.byteOffset + 32 * within, 32).getUint16(1)
  const proofs: Uint8Array[] = []
  for (const element of [...entries, ...elements]) proofs.push((await kzg.pointProof(blob, element)).proof)
  const elementAt = (at: number): Hex => bytesToHex(blob.subarray(32 * at, 32 * at + 32))
  return {
    blobs: toHex(blobTable(blobs)),
    commitment: bytesToHex(await kzg.commit(blob)),
    entries: entries.map(elementAt),
    skip: opened.kind === 'bad-element' ? opened.position - start : 0,
    elements: elements.map(elementAt),
    proofs: toHex(concatBytes(proofs)),
  }
}
