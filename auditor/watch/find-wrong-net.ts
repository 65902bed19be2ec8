/**
 * Finds net batches in which somebody pays without a record of why: no blob holds any deal.
 *
 * @module
 */
import { type Address, encodeAbiParameters, encodeFunctionData, type Hex, keccak256, parseAbiParameters } from 'viem'

import { netProofsAbi, oversightAbi } from '#protocol/abi.generated.ts'
import { decodeAttestation } from '#protocol/attestation.ts'
import { decodeNetBatch } from '#protocol/net-batch.ts'
import { type RingLink, ringChain } from '#protocol/openings.ts'
import { memberSubject, netMatter } from '#protocol/oversight.ts'
import { Fault } from '#protocol/types.ts'
import { concatBytes, fixedBytes, toHex, uintBytes } from '#protocol/words.ts'

import type { Finding } from './facts.ts'

/** A net batch that was settled. */
export type BookNet = {
  readonly bytes: Hex
  readonly versionedHashes: readonly Hex[]
  /** Net root and queue index before it. */
  readonly previous: Hex
  readonly queueFrom: number
  readonly root: Hex
  readonly authority: Hex
  /** Second on the protocol clock. */
  readonly time: number
}

/** `INetProofs.Side`. */
const BUYERS = 1
/** Number that stands for the first buyer's net among a batch's records. */
const BUYERS_NET = 3n << 32n
const NO_RECORD = { index: 0, commitment: '0x', elements: [], proofs: '0x' } as const

/** The batch as it stands in the ring. */
function placed(net: BookNet, links: readonly RingLink[]) {
  const position = links.findIndex(({ root, time }) => root === net.root && time === net.time)
  if (position < 0) return null
  const later = links
    .slice(position + 1)
    .flatMap(({ root, factsRoot, time }) => [
      fixedBytes(root, 32, 'root'),
      fixedBytes(factsRoot, 32, 'factsRoot'),
      uintBytes(time, 32, 'time'),
    ])
  const { bytes: batch, versionedHashes, previous, queueFrom, time } = net
  const chain = ringChain(links.slice(0, position))
  return { batch, versionedHashes, previous, queueFrom, chain, time, later: toHex(concatBytes(later)) }
}

/**
 * What a net batch without any record shows: who pays by it pays for nothing.
 *
 * @param links - All batches of its interval, in order.
 * @param buyerOf - Account of a buyer's index.
 * @param signersOf - Keys of an epoch's members, in their order.
 */
export function findWrongNet(
  net: BookNet,
  links: readonly RingLink[],
  buyerOf: (index: number) => Address | undefined,
  signersOf: (epoch: number) => readonly Address[],
): readonly Finding[] {
  const { blobs, buyers } = decodeNetBatch(net.bytes)
  const batch = placed(net, links)
  if (batch === null || blobs.some(({ groups, deals }) => groups + deals > 0)) return []
  const { epoch, signatures } = decodeAttestation(net.authority)
  const signer = signersOf(epoch)[signatures[0]?.index ?? 0]
  return buyers.flatMap(({ of, amount }, position) => {
    const buyer = buyerOf(of)
    if (buyer === undefined || signer === undefined) return []
    const args = [batch, BUYERS, BigInt(position), NO_RECORD, NO_RECORD] as const
    const proof = encodeFunctionData({ abi: netProofsAbi, functionName: 'proveNoRecord', args: args as never })
    const matter = netMatter(net.root, BUYERS_NET + BigInt(position), amount)
    const evidence = keccak256(encodeAbiParameters(parseAbiParameters('bytes32, address'), [matter, signer]))
    const shown = [proof, buyer, net.authority] as const
    const data = encodeFunctionData({ abi: oversightAbi, functionName: 'proveWrongNet', args: shown })
    const subject = memberSubject(matter, Fault.WrongNet, signer)
    return [{ fault: Fault.WrongNet, court: 'oversight' as const, dealId: 0, stream: 0, subject, evidence, data }]
  })
}
