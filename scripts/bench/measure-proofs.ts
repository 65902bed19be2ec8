/**
 * What it takes to prove on chain what was settled.
 *
 * @module
 */
import { decodeFunctionResult, encodeFunctionData, type Hex, parseEventLogs } from 'viem'

import { openingsAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { groupHash } from '#protocol/batch-root.ts'
import { factsRoot } from '#protocol/facts.ts'
import { placeInBatch } from '#protocol/openings.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Mode } from '#protocol/types.ts'
import { toHex } from '#protocol/words.ts'

import { type SettleCall, signRound, splitCalls } from './batches.ts'
import { must } from './books.ts'
import type { Chain } from './chain.ts'
import type { Operations } from './figures.ts'
import { createWorkload, SHAPES } from './workload.ts'
import { createWorld } from './world.ts'

/** A group in the middle of its batch, and a receipt in the middle of its group. */
const GROUP = 77
const RECEIPT = 2

/** Proves one receipt of a settled batch of 200 groups of five. */
export async function measureProofs(chain: Chain, seed: number): Promise<Pick<Operations, 'challenge'>> {
  const [shape] = SHAPES
  if (shape === undefined) throw new Error('there is no workload')
  const world = await createWorld(chain, seed, createWorkload(shape, seed, 1), 'dense')
  const [call, ...others] = await splitCalls(world, signRound(world, 0))
  const signed = call?.groups[GROUP]
  must(others.length === 0 && signed !== undefined, 'the batch is not whole')
  if (call === undefined || signed === undefined) throw new Error('there is no batch')

  const { settlement, openings } = chain.deployment
  const facts = await foretold(chain, world.submitter.address, call)
  const mined = await chain.send(world.submitter, settlement, call.data)
  const [event] = parseEventLogs({ abi: settlementAbi, eventName: 'Settled', logs: mined.receipt.logs })
  const link = { root: call.root, factsRoot: factsRoot(facts), time: event?.args.clock ?? 0 }
  const batch = { mode: Mode.Calldata, groupHashes: call.groups.map(({ tally }) => groupHash(tally)), facts }
  const place = placeInBatch(batch, signed.tally, GROUP, { links: [link], position: 0 })
  const receipts = toHex(encodeReceipts(signed.group.receipts))
  const args = [place, receipts, RECEIPT] as const
  const data = encodeFunctionData({ abi: openingsAbi, functionName: 'proveSettled', args })
  return { challenge: Number((await chain.send(world.submitter, openings, data)).gas) }
}

async function foretold({ reader, deployment }: Chain, account: Hex, { data }: SettleCall): Promise<Hex> {
  const answer = await reader.call({ account, to: deployment.settlement, data })
  return decodeFunctionResult({ abi: settlementAbi, functionName: 'settle', data: answer.data ?? '0x' })
}
