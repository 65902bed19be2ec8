/**
 * Replays one net batch: what the chain must have checked itself, the money it moved, and everything that only its blobs
 * tell.
 *
 * Where chain and rules differ the chain is followed, so that one fault is reported once and not for ever after.
 *
 * @module
 */
import { concatHex, encodeAbiParameters, type Hex, hexToBytes, keccak256, parseAbiParameters, zeroHash } from 'viem'

import { decodeAttestation } from '#protocol/attestation.ts'
import { withRecords } from '#protocol/net-state.ts'
import { Lane } from '#protocol/types.ts'

import { checkAuthority } from './authority.ts'
import { followUnseenRefresh } from './member-bonds.ts'
import { attestedDueUp } from './money.ts'
import {
  NETTED,
  type ReadNet,
  type ReadNetBatch,
  type ReadRecords,
  readNetBatch,
  readNetRecords,
} from './net-decode.ts'
import { checkGroups } from './net-groups.ts'
import { addOpenNets, netBuyerAt, openNetsOf, QUEUE } from './net-ledger.ts'
import { checkRecords } from './net-records.ts'
import { archivesOf } from './receipts.ts'
import { type EventArgs, expectSame, type Replay, report, thing, touch } from './replay.ts'
import { recordBatch, type SettleCall } from './settle.ts'
import { isNetted, wheelOf } from './state.ts'
import { creditAttested, fitsRoom } from './wheel.ts'

const HOUR = 3600
const ROOT_FIELDS = parseAbiParameters('uint8 mode, bytes32 batch, bytes32 blobs, bytes32 previous, uint256 queueFrom')

/** Whether the first argument of a `settle` is a net batch. */
export function isNetBatch(batch: Hex): boolean {
  return batch.startsWith('0x02')
}

function tryRead(replay: Replay, batch: Hex): ReadNetBatch | null {
  try {
    return readNetBatch(hexToBytes(batch))
  } catch (error) {
    // a batch that settled and cannot be read hides what was paid: never a pass
    report(replay, 'unreadable', error instanceof Error ? error.message : String(error))
    return null
  }
}

/** What members attest, with the net root and the queue index as they were before. */
function rootOfNets({ state, transaction }: Replay, batch: Hex): Hex {
  const { root, state: before } = state.nets
  const blobs = keccak256(concatHex(transaction.blobs))
  return keccak256(encodeAbiParameters(ROOT_FIELDS, [NETTED, keccak256(batch), blobs, root, BigInt(before.queueFrom)]))
}

/** The batch came in time, and members signed for an hour ahead at most. */
function checkUntil(replay: Replay, until: number): void {
  const { clock } = replay.state
  if (clock.value > until) report(replay, 'net-until', `the batch was good until ${until}, it is ${clock.value}`)
  if (until <= clock.value + HOUR) return
  report(replay, 'net-until', `the batch is good until ${until}, at ${clock.value} nobody may have signed for so long`)
}

function checkQueue(replay: Replay, to: number): void {
  const { nets, clock } = replay.state
  const from = nets.state.queueFrom
  const waiting = nets.announced.get(to % QUEUE)
  const isInside = to >= from && to < nets.queueTo && waiting !== undefined && clock.value < waiting.at + HOUR
  if (to === nets.queueTo || isInside) return
  report(replay, 'net-queue', `the batch looked at the queue from ${from} to ${to}, of ${nets.queueTo} some are due`)
}

/** Nets rise and both sides come to the same. */
function checkWire(replay: Replay, { providers, buyers }: ReadNetBatch): void {
  const rises = (nets: readonly ReadNet[]): boolean => nets.every(({ of }, i) => of > (nets[i - 1]?.of ?? -1))
  if (!rises(providers) || !rises(buyers)) report(replay, 'net-order', 'the nets on the wire do not rise')
  const sumOf = (nets: readonly ReadNet[]): bigint => nets.reduce((sum, { amount }) => sum + amount, 0n)
  const isSame = expectSame(replay, 'net-sum', 'what providers receive', sumOf(buyers), sumOf(providers))
  replay.findings.watch('nets', isSame)
}

function creditProviders(replay: Replay, providers: readonly ReadNet[]): void {
  const { state, findings } = replay
  const moment = { clock: state.clock.value, parameters: state.parameters }
  for (const { of, amount } of providers) {
    const wheel = wheelOf(state, of)
    const isCovered = fitsRoom(wheel, amount, moment.clock)
    findings.watch('coverage', isCovered)
    if (!isCovered) report(replay, 'coverage', `provider ${of} receives ${amount}, its stake does not cover that`)
    creditAttested(wheel, amount, moment)
    touch(replay, thing.earnings(of), 'price')
  }
}

function debitBuyers(replay: Replay, buyers: readonly ReadNet[]): void {
  const { nets } = replay.state
  for (const { of, amount } of buyers) {
    const buyer = netBuyerAt(nets, of)
    const hasIt = buyer !== null && amount <= buyer.netted
    replay.findings.watch('netted', hasIt)
    if (!hasIt)
      report(replay, 'budget', `buyer ${of} pays ${amount}, its netted deals have ${buyer?.netted ?? 'nothing'}`)
    if (buyer === null) continue
    buyer.netted = hasIt ? buyer.netted - amount : 0n
    touch(replay, thing.netBuyer(nets.numbered[of] ?? '0x'), 'budget')
  }
}

/** Nets that have not matured are worth no more than the bonds of those who signed. */
async function checkBonds(replay: Replay, authority: Hex, amount: bigint): Promise<void> {
  const { state, findings, block } = replay
  addOpenNets(state.nets, amount, state.clock.value, attestedDueUp(state.parameters.attestedWindow))
  const signed = readSigners(authority)
  await followUnseenRefresh({ ...replay, block: block.number }, signed.epoch)
  const tokens = state.nets.read.get(signed.epoch) ?? []
  const bonded = signed.indexes.reduce((sum, index) => sum + (tokens[index] ?? 0n), 0n)
  const [open, worth] = [openNetsOf(state.nets), bonded * BigInt(state.parameters.stakeValue)]
  findings.watch('bonds', open <= worth)
  if (open <= worth) return
  report(replay, 'net-bonds', `${open} have not matured, the bonds of those who signed are worth ${worth}`)
}

function readSigners(authority: Hex): { epoch: number; indexes: readonly number[] } {
  try {
    const { epoch, signatures } = decodeAttestation(authority)
    return { epoch, indexes: signatures.map(({ index }) => index) }
  } catch {
    // the check of the authority says that these bytes are no attestation
    return { epoch: 0, indexes: [] }
  }
}

async function recordsOf(replay: Replay, batch: ReadNetBatch): Promise<ReadRecords | null> {
  const { source, transaction } = replay
  const blobs: Uint8Array[] = []
  for (const [index, { groups }] of batch.blobs.entries()) {
    const hash = transaction.blobs[index]
    const blob = hash === undefined ? null : await source.blob(hash, archivesOf(replay))
    if (blob === null)
      report(replay, 'unreadable', `blob ${index}, with ${groups} groups of the batch, is given by nobody`)
    else blobs.push(blob)
  }
  return blobs.length === batch.blobs.length ? readNetRecords(batch, blobs) : null
}

/** Holds the deal records' roots, and the one on the wire, against what moving the deals makes of the root before. */
function checkRoots(replay: Replay, batch: ReadNetBatch, { deals }: ReadRecords, roots: readonly Hex[]): void {
  for (const [index, { root, dealId }] of deals.entries()) {
    const isTrue = root === roots[index]
    replay.findings.watch('states', isTrue)
    if (!isTrue)
      report(replay, 'net-root', `deal record ${index} (deal ${dealId}) says ${root}, moving it makes ${roots[index]}`)
  }
  const last = roots.at(-1) ?? replay.state.nets.root
  replay.findings.watch('states', batch.root === last)
  expectSame(replay, 'net-root', 'the net root after the batch', last, batch.root)
}

/** Everything that stands in the blobs; without one of them nobody knows any more where streams stand. */
async function replayRecords(replay: Replay, batch: ReadNetBatch): Promise<void> {
  const { nets } = replay.state
  const records = await recordsOf(replay, batch)
  if (records === null) {
    nets.isBlind = true
    return
  }
  const before = nets.state.tree
  checkRecords(replay, batch, records)
  checkGroups(replay, records, nets.isBlind ? null : before)
  const { tree, roots } = withRecords(before, records, (id) => {
    // one that is closed is named by then, and moved all the same
    const deal = replay.state.deals.get(id)
    return deal !== undefined && isNetted(deal) ? { key: deal.key, streams: deal.streams.length } : undefined
  })
  // after a root that nobody can follow, what comes next says nothing new
  if (!nets.isBlind && before.root === nets.root) checkRoots(replay, batch, records, roots)
  nets.state = { ...nets.state, tree }
}

/** Replays the net batch of the transaction under replay; the clock has been touched and what was due has been rolled. */
export async function replayNetSettle(replay: Replay, call: SettleCall, event: EventArgs<'Settled'>): Promise<void> {
  const { state, findings, transaction } = replay
  findings.totals.batches++
  expectSame(replay, 'clock', 'the clock of the batch', state.clock.value, event.clock)
  const batch = tryRead(replay, call.batch)
  if (batch === null) return
  expectSame(replay, 'root', 'the lane of the batch', Lane.Attested, event.lane)
  expectSame(replay, 'root', 'the mode of the batch', NETTED, event.mode)
  expectSame(replay, 'root', 'the number of its blobs', batch.blobs.length, transaction.blobs.length)
  expectSame(replay, 'applied', 'the bits of a net batch', '0x', event.applied)
  checkUntil(replay, batch.until)

  const root = rootOfNets(replay, call.batch)
  findings.watch('roots', expectSame(replay, 'root', 'the batch root', root, event.root))
  checkAuthority(replay, { lane: Lane.Attested, root, authority: call.authority, judged: [] })
  checkQueue(replay, batch.queueTo)
  checkWire(replay, batch)
  creditProviders(replay, batch.providers)
  debitBuyers(replay, batch.buyers)
  await checkBonds(
    replay,
    call.authority,
    batch.providers.reduce((sum, { amount }) => sum + amount, 0n),
  )
  recordBatch(replay, root, zeroHash)
  await replayRecords(replay, batch)
  state.nets.root = batch.root
  state.nets.state = { ...state.nets.state, queueFrom: batch.queueTo }
  touch(replay, thing.nets(), 'net-root')
}
