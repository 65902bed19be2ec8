/**
 * Games about receipts, as far as silence decides them.
 *
 * @module
 */
import hre from 'hardhat'
import { type Address, encodeFunctionData, erc20Abi, type Hex, parseEventLogs } from 'viem'

import { arbiterRefereeAbi, disputesAbi } from '#protocol/abi.generated.ts'
import { gameAfter, Turn } from '#protocol/disputes.ts'

import { mintDollars } from '../bench/actors.ts'
import { shownInBatch } from './demands.ts'
import { type Case, casesOf, type Settled } from './reports.ts'
import { DOLLAR } from './rogue.ts'
import type { Party, Scene, SimDeal } from './scene.ts'

/** One side's clock, and an hour. */
export const HOURS_TO_LOSE = 9

/** `IArbiterReferee.Side`. */
const CHALLENGER = 1
/** State of a game before an arbiter once its challenger has paid. */
const CHALLENGED = '0x01'

/** A game as it stands, and its claim. */
export type Game = Pick<NonNullable<Awaited<ReturnType<typeof challenge>>>, 'facts' | 'opened'>

/** Gives somebody the dollars that bonds of games take. */
export async function fundDisputes(scene: Scene, by: Party): Promise<void> {
  const { token, disputes } = scene.chain.deployment
  await mintDollars(scene.chain, by.account, 100n * DOLLAR)
  const args = [disputes, 100n * DOLLAR] as const
  await scene.send(by, token, encodeFunctionData({ abi: erc20Abi, functionName: 'approve', args }))
}

/** An arbiter who charges nothing; that nobody answers a challenge never reaches it. */
export async function freeArbiter(scene: Scene): Promise<Address> {
  const { abi, bytecode } = await hre.artifacts.readArtifact('MockArbiter')
  const { account } = scene.anyone
  const { receipt } = await scene.chain.send(account, null, bytecode as Hex)
  const arbiter = receipt.contractAddress
  if (!arbiter) throw new Error('no arbiter was created')
  await scene.send(scene.anyone, arbiter, encodeFunctionData({ abi, functionName: 'setCost', args: [0n] }))
  return arbiter
}

/** Challenges the first receipt of a settled group. @returns Null where it is too late for that. */
export async function challenge(scene: Scene, by: Party, deal: SimDeal, settled: Settled) {
  const shown = shownInBatch(settled.batch, settled.signed, settled.signed.tally.first)
  const args = [deal.id, shown, deal.offer, deal.nonce] as const
  const data = encodeFunctionData({ abi: disputesAbi, functionName: 'challenge', args })
  const { disputes } = scene.chain.deployment
  if (!(await scene.wouldDo(by, disputes, data))) return null
  const { receipt } = await scene.send(by, disputes, data)
  const [opened] = parseEventLogs({ abi: disputesAbi, eventName: 'Challenged', logs: receipt.logs })
  if (opened === undefined) throw new Error('no game was opened')
  return opened.args
}

/**
 * Challenges receipts that were never computed and makes the first move; who billed them has nothing to answer with.
 *
 * @returns Cases against who kept silent.
 */
export async function refuteBySilence(
  scene: Scene,
  by: Party,
  claims: readonly { readonly deal: SimDeal; readonly settled: Settled }[],
): Promise<readonly Case[]> {
  await scene.passHours(scene.hoursUnseen)
  const { disputes, arbiterReferee } = scene.chain.deployment
  const games: Game[] = []
  for (const { deal, settled } of claims) {
    const challenged = await challenge(scene, by, deal, settled)
    if (challenged === null) continue
    const { facts, opened } = challenged
    const fee = encodeFunctionData({ abi: arbiterRefereeAbi, functionName: 'pay', args: [facts, CHALLENGER] })
    await scene.send(by, arbiterReferee, fee)
    const move = encodeFunctionData({ abi: disputesAbi, functionName: 'play', args: [facts, opened, '0x'] })
    const { receipt } = await scene.send(by, disputes, move)
    const [moved] = parseEventLogs({ abi: disputesAbi, eventName: 'Moved', logs: receipt.logs })
    if (moved === undefined) throw new Error('the move was none')
    // the fee is paid, and the asserter is to move
    games.push({ facts, opened: gameAfter(opened, moved.args.until, { state: CHALLENGED, turn: Turn.Asserter }) })
  }
  await scene.passHours(HOURS_TO_LOSE)
  const cases: Case[] = []
  for (const game of games) cases.push(...(await timeOut(scene, by, game)))
  if (games.length > 0) await withdrawBonds(scene, by)
  return cases
}

/** Ends a game in which whoever is to move kept silent for its time. @returns Cases it opened. */
export async function timeOut(scene: Scene, by: Party, { facts, opened }: Game): Promise<readonly Case[]> {
  const data = encodeFunctionData({ abi: disputesAbi, functionName: 'timeOut', args: [facts, opened] })
  return casesOf(await scene.send(by, scene.chain.deployment.disputes, data))
}

/** Takes what games owe somebody. */
export async function withdrawBonds(scene: Scene, { account }: Party): Promise<void> {
  const data = encodeFunctionData({ abi: disputesAbi, functionName: 'withdraw', args: [account.address] })
  await scene.send(scene.anyone, scene.chain.deployment.disputes, data)
}
