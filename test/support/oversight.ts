/**
 * What members sign and what is shown of it: promises, roots, places, and the cases that follow.
 *
 * @module
 */
import type { HardhatEthersSigner } from '@nomicfoundation/hardhat-ethers/types'
import type { Hex } from 'viem'

import { groupHash, type RootedBatch } from '#protocol/batch-root.ts'
import { promiseDigest } from '#protocol/eip712.ts'
import { encodeFacts } from '#protocol/facts.ts'
import { placeInStream } from '#protocol/openings.ts'
import { placeUnderRoot } from '#protocol/oversight.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Mode, type Tally } from '#protocol/types.ts'
import { toHex } from '#protocol/words.ts'

import type { OpenBatch } from './blob-settling.ts'
import type { Deployment } from './deployment.ts'
import type { SignedGroup } from './work.ts'

/** A promise as a member signs it, and as the court takes it. */
export function promiseBy(
  { members, committeeDomain }: Deployment,
  member: number,
  { leaf }: SignedGroup,
  before: number,
  epoch = 1,
) {
  const signature = members[member]?.sign(promiseDigest({ tally: leaf, before }, committeeDomain)) ?? '0x'
  return { epoch, member, before, signature }
}

/** Place of the only group that moved a stream by force or acknowledgement. */
export function placeInRecord(dealId: number, { tallies: [tally], facts, link }: OpenBatch): Hex {
  if (tally === undefined) throw new Error('there is no group')
  const links = [{ groupHash: groupHash(tally), record: encodeFacts(facts), time: link.time }]
  return placeInStream(dealId, tally, { links, position: 0 })
}

/** A batch of groups that nobody settled, as a root covers it. */
export function rootedOf(groups: readonly SignedGroup[]): RootedBatch {
  return { mode: Mode.Calldata, groupHashes: groups.map(({ leaf }) => leaf) }
}

/** Place of a group under the root of such a batch. */
export function placeAmong(groups: readonly SignedGroup[], index: number): Hex {
  return placeUnderRoot(rootedOf(groups), tallyAt(groups, index), index)
}

function tallyAt(groups: readonly SignedGroup[], index: number): Tally {
  const group = groups[index]
  if (group === undefined) throw new Error('there is no such group')
  return group.tally
}

/** The receipts' bytes of a group. */
export function bytesOf({ receipts }: SignedGroup): Hex {
  return toHex(encodeReceipts(receipts))
}

/** Base units of the stake token that an account of the token has. */
export async function stakeOf({ stake }: Deployment, holder: HardhatEthersSigner | string): Promise<bigint> {
  return await stake.balanceOf(holder)
}

/** A member's bond that does not thaw. */
export async function bondOf({ registry, members }: Deployment, member: number): Promise<bigint> {
  return (await registry.bondOf(members[member]?.address ?? '')).stake
}

/** Gas of a whole transaction; that of its addresses' zero bytes differs from deployment to deployment. */
export async function gasOf(sent: Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>): Promise<number> {
  const receipt = await (await sent).wait()
  return Number(receipt?.gasUsed)
}
