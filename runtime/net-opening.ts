/**
 * Openings of a settled net batch, as the contract that judges them takes them.
 *
 * @module
 */
import { bytesToHex, type Hex } from 'viem'

import { TallyError } from '#protocol/errors.ts'
import type { BlobRow } from '#protocol/net-batch.ts'
import { dealPlace, elementsFor, groupPlace, type RecordPlace } from '#protocol/net-blobs.ts'
import { concatBytes, toHex } from '#protocol/words.ts'

import type { CommittedBlob } from './blob-transaction.ts'
import type { Kzg } from './kzg.ts'

/** `INetProofs.Side`: group records and providers' nets, or deal records and buyers' nets. */
export const NetSide = { Providers: 0, Buyers: 1 } as const
export type NetSide = (typeof NetSide)[keyof typeof NetSide]

/** `INetProofs.Record`. */
export type RecordOpening = {
  readonly index: number
  readonly commitment: Hex
  readonly elements: Hex[]
  readonly proofs: Hex
}

/** Elements of a group's receipts. */
export type ReceiptsOpening = { readonly skip: number; readonly elements: Hex[]; readonly proofs: Hex }

/** Opens records of one batch. */
export type NetOpener = {
  /**
   * The first `count` elements of a record.
   *
   * @throws {@link NetOpeningError} when there is none.
   */
  record(side: NetSide, index: number, count: number): Promise<RecordOpening>
  /**
   * The elements of a group's receipts.
   *
   * @param start - Element at which its record says they begin.
   * @param length - Bytes of them.
   * @param only - One of them, where that alone shows what is wrong.
   * @throws {@link NetOpeningError} when there is no such group.
   */
  receipts(index: number, start: number, length: number, only?: number): Promise<ReceiptsOpening>
}

/** Thrown when there is nothing to open: `net-opening.none`. */
export class NetOpeningError extends TallyError {
  override readonly name = 'NetOpeningError'
}

/** A record of which nothing is shown, where a proof needs none: only its index counts. */
export function noRecord(index = 0): RecordOpening {
  return { index, commitment: '0x', elements: [], proofs: '0x' }
}

/**
 * Creates an opener.
 *
 * @param rows - Records of each blob, as the batch says.
 */
export function createNetOpener(kzg: Kzg, rows: readonly BlobRow[], blobs: readonly CommittedBlob[]): NetOpener {
  function placed(place: RecordPlace | undefined, index: number): { blob: CommittedBlob; element: number } {
    const blob = place === undefined ? undefined : blobs[place.blob]
    if (place === undefined || blob === undefined)
      throw new NetOpeningError('net-opening.none', `the batch has no record ${index}`)
    return { blob, element: place.element }
  }

  // Records overlap in what is opened of them, and a proof takes a while.
  const known = new Map<string, Promise<Uint8Array>>()
  function proofOf({ blob, versionedHash }: CommittedBlob, element: number): Promise<Uint8Array> {
    const name = `${versionedHash}/${element}`
    const proof = known.get(name) ?? kzg.pointProof(blob, element).then((opened) => opened.proof)
    known.set(name, proof)
    return proof
  }

  async function elementsOf(committed: CommittedBlob, first: number, count: number) {
    const { blob } = committed
    const elements = Array.from({ length: count }, (_, at) => first + at)
    const proofs: Uint8Array[] = []
    for (const element of elements) proofs.push(await proofOf(committed, element))
    return {
      elements: elements.map((at) => bytesToHex(blob.subarray(32 * at, 32 * at + 32))),
      proofs: toHex(concatBytes(proofs)),
    }
  }

  return {
    async record(side, index, count) {
      const { blob, element } = placed((side === NetSide.Providers ? groupPlace : dealPlace)(rows, index), index)
      return { index, commitment: bytesToHex(blob.commitment), ...(await elementsOf(blob, element, count)) }
    },
    async receipts(index, start, length, only) {
      const { blob } = placed(groupPlace(rows, index), index)
      const [skip, count] = only === undefined ? [0, elementsFor(length)] : [only, 1]
      return { skip, ...(await elementsOf(blob, start + skip, count)) }
    },
  }
}
