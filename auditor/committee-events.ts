/**
 * The committee: its epochs, the pages their signers stand in, and the words the settlement checks attestations by.
 *
 * @module
 */
import { concatHex } from 'viem'

import { pageAddress } from '#protocol/code-pages.ts'

import type { CommitteeEvent } from './events.ts'
import { expectSame, type Replay, report } from './replay.ts'
import { addressKey, type State } from './state.ts'

type EpochArgs = Extract<CommitteeEvent, { eventName: 'EpochStarted' }>['args']

const MAX_MEMBERS = 32

/** An epoch as the settlement has it: number, page, threshold, members, and the last second it attests at. */
function wordOf(state: State, number: number, until: number): bigint {
  const epoch = state.epochs.get(number)
  if (epoch === undefined) return 0n
  const fields: readonly (readonly [number | bigint, bigint])[] = [
    [number, 224n],
    [BigInt(pageAddress(state.committee, number)), 64n],
    [epoch.threshold, 56n],
    [epoch.signers.length, 48n],
    [until, 8n],
  ]
  return fields.reduce((word, [value, shift]) => word | (BigInt(value) << shift), 0n)
}

/** What the settlement must have: the current epoch, and the one before it if it was told of both. */
export function epochWords(state: State): { current: bigint; last: bigint } {
  const { currentEpoch, firstTold, grace } = state
  if (firstTold === 0) return { current: 0n, last: 0n }
  const until = (state.epochs.get(currentEpoch)?.startedAt ?? 0) + grace
  return {
    current: wordOf(state, currentEpoch, 0),
    last: currentEpoch > firstTold ? wordOf(state, currentEpoch - 1, until) : 0n,
  }
}

/** An epoch's signers stand in a page of their own, in the order its bitmaps count. */
async function checkPage({ state, findings, source, block, ...replay }: Replay, number: number): Promise<void> {
  const code = await source.code(pageAddress(state.committee, number), block.number)
  const wanted = concatHex(['0x00', ...(state.epochs.get(number)?.signers ?? [])])
  findings.totals.compared++
  findings.watch('pages', code === wanted)
  if (code === wanted) return
  report({ state, findings, source, block, ...replay }, 'attestation', `page ${number} does not hold the signers`)
}

async function replayEpoch(replay: Replay, { epoch, threshold, members }: EpochArgs): Promise<void> {
  const { state } = replay
  expectSame(replay, 'attestation', 'the number of the new epoch', state.currentEpoch + 1, epoch)
  const signers = members.map(({ signer }) => addressKey(signer))
  const isSound = new Set(signers).size === members.length && members.length <= MAX_MEMBERS
  if (!isSound || threshold * 2 <= members.length || threshold > members.length) {
    report(replay, 'attestation', `epoch ${epoch} needs ${threshold} of ${members.length} members`)
  }
  const endpoints = new Map(members.map(({ signer, endpoint }) => [addressKey(signer), endpoint]))
  state.epochs.set(epoch, { number: epoch, threshold, signers, endpoints, startedAt: replay.block.timestamp })
  state.currentEpoch = epoch
  await checkPage(replay, epoch)
}

/** Replays one event of the committee. */
export async function replayCommitteeEvent(replay: Replay, event: CommitteeEvent): Promise<void> {
  if (event.eventName === 'EpochStarted') await replayEpoch(replay, event.args)
  if (event.eventName !== 'EndpointSet') return
  const epoch = replay.state.epochs.get(replay.state.currentEpoch)
  epoch?.endpoints.set(addressKey(event.args.signer), event.args.endpoint)
}
