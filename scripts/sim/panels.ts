/**
 * Panels of providers that do one task, from their opening to their end.
 *
 * @module
 */
import { encodeFunctionData, type Hex, toHex as numberToHex, parseEventLogs } from 'viem'

import { panelsAbi, settlementAbi } from '#protocol/abi.generated.ts'
import type { Shown } from '#protocol/courts.ts'
import { headerBytes, resultCommitment } from '#protocol/panels.ts'

import type { Party, Scene, SimDeal } from './scene.ts'
import type { Done } from './tasks.ts'

/** A candidate with what its provider did for the task. */
export type Seat = { readonly deal: SimDeal; readonly done: Done; readonly shown: Shown }

/** How a panel is drawn, and how many of those drawn must agree. */
export const PANEL = { size: 3, k: 2 } as const
const HOUR = 3_600
/** Blocks from the last commitment until the draw's is known. */
const BLOCKS_TO_DRAW = 5

type Facts = Awaited<ReturnType<typeof openPanel>>['facts']
/** A panel that has ended. */
export type Ended = { readonly facts: Facts; readonly drawn: readonly number[] }

async function openPanel(scene: Scene, buyer: Party, seats: readonly Seat[]) {
  const { deployment, reader } = scene.chain
  const [one] = seats
  if (one === undefined) throw new Error('nobody does the task')
  const { settlement: address } = deployment
  const clock = await reader.readContract({ address, abi: settlementAbi, functionName: 'clock' })
  const { inputRoot, maxUnits } = one.done.order
  const shape = {
    ...{ buyer: buyer.account.address, number: 0n, inputRoot, maxUnits: Number(maxUnits), ...PANEL },
    ...{ commitUntil: clock + 2 * HOUR, revealFor: HOUR, seats: [] },
  }
  const candidates = seats.map(({ deal: { id, nonce, offer }, done }) => ({
    id,
    nonce,
    order: done.order.index,
    offer,
  }))
  const data = encodeFunctionData({ abi: panelsAbi, functionName: 'openPanel', args: [shape, candidates] })
  const { receipt } = await scene.send(buyer, deployment.panels, data)
  const [opened] = parseEventLogs({ abi: panelsAbi, eventName: 'PanelOpened', logs: receipt.logs })
  if (opened === undefined) throw new Error('no panel was opened')
  return opened.args
}

/** Holds a panel: `taking` commit to what they did, those drawn reveal it, and the panel ends. `by` does what anyone may. */
export async function holdPanel(
  scene: Scene,
  buyer: Party,
  seats: readonly Seat[],
  { taking, by }: { readonly taking: readonly number[]; readonly by: Party },
): Promise<Ended> {
  const { panels } = scene.chain.deployment
  const { panel, facts } = await openPanel(scene, buyer, seats)
  const send = (from: Party, data: Hex) => scene.send(from, panels, data)
  const salt: Hex = numberToHex(1, { size: 32 })
  for (const seat of taking) {
    const { deal, done } = seatAt(seats, seat)
    const { workHash } = done.receipt
    const commitment = resultCommitment({ panel, seat, workHash, plainHash: done.output.plainHash, salt })
    const args = [facts, seat, commitment] as const
    await send(deal.provider, encodeFunctionData({ abi: panelsAbi, functionName: 'commit', args }))
  }
  await scene.passHours(taking.length === seats.length ? 0 : 3)
  await send(by, encodeFunctionData({ abi: panelsAbi, functionName: 'seal', args: [facts] }))
  for (let block = 0; block < BLOCKS_TO_DRAW; block += 1) await scene.call(scene.anyone, 'tick', [])
  const header = await drawHeader(scene, panel)
  await send(by, encodeFunctionData({ abi: panelsAbi, functionName: 'draw', args: [facts, header] }))
  const drawn = await drawnSeats(scene, panel)
  for (const seat of drawn) {
    const { done, shown } = seatAt(seats, seat)
    const args = [facts, seat, shown, courtWork(done), salt] as const
    await send(by, encodeFunctionData({ abi: panelsAbi, functionName: 'reveal', args }))
  }
  await send(by, encodeFunctionData({ abi: panelsAbi, functionName: 'finish', args: [facts] }))
  return { facts, drawn }
}

/** Has a drawn seat unpaid whose result was another. */
export async function unpay(scene: Scene, by: Party, { facts }: Ended, seat: number, { done, shown }: Seat) {
  const args = [facts, seat, shown, courtWork(done)] as const
  const data = encodeFunctionData({ abi: panelsAbi, functionName: 'unpay', args })
  await scene.send(by, scene.chain.deployment.panels, data)
}

function seatAt(seats: readonly Seat[], index: number): Seat {
  const seat = seats[index]
  if (seat === undefined) throw new RangeError(`there is no seat ${index}`)
  return seat
}

function courtWork({ work: { taskHash, startedAt, endedAt }, output }: Done) {
  return { taskHash, ...output, startedAt: BigInt(startedAt), endedAt: BigInt(endedAt) }
}

async function drawHeader(scene: Scene, panel: Hex): Promise<Hex> {
  const { drawBlock } = await viewOf(scene, panel)
  const params = [numberToHex(drawBlock), false] as const
  const block = await scene.chain.reader.request({ method: 'eth_getBlockByNumber', params: [...params] })
  if (block === null) throw new Error(`there is no block ${drawBlock}`)
  return headerBytes(block)
}

async function drawnSeats(scene: Scene, panel: Hex): Promise<number[]> {
  const { drawn } = await viewOf(scene, panel)
  return Array.from({ length: 32 }, (_, seat) => seat).filter((seat) => ((drawn >> seat) & 1) === 1)
}

async function viewOf({ chain: { reader, deployment } }: Scene, panel: Hex) {
  const { panels: address } = deployment
  return await reader.readContract({ address, abi: panelsAbi, functionName: 'panelOf', args: [panel] })
}
