/**
 * A whole dispute about provable work on the deployed contracts: every transaction of both sides, from the challenge to the
 * last move with all that follows from it.
 *
 * @module
 */
import { encodeFunctionData, erc20Abi, type Hex, parseEventLogs } from 'viem'

import { bisectionRefereeAbi, disputesAbi } from '#protocol/abi.generated.ts'
import {
  decodePosition,
  dissection,
  firstDisagreement,
  type Position,
  partEnds,
  stepProof,
  withinPart,
} from '#protocol/bisection.ts'
import { encodeOpening, type Opening, openingEnds } from '#protocol/bisection-opening.ts'
import { type Claim, type Game, gameAfter, Turn } from '#protocol/disputes.ts'
import { taskHash } from '#protocol/eip712.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { Kind } from '#protocol/types.ts'
import { programHash } from '#protocol/vm/elf.ts'
import { INSTRUCTIONS_PER_UNIT } from '#protocol/vm/layout.ts'
import { plainHashOf } from '#protocol/vm/result.ts'
import { paddedRoot } from '#protocol/vm/tree.ts'
import { toHex } from '#protocol/words.ts'
import { outputCommitment, workHash } from '#protocol/work.ts'

import { shownInBatch } from '../../sim/demands.ts'
import type { Party, Provider, Scene, SimDeal } from '../../sim/scene.ts'
import { mintDollars } from '../actors.ts'
import type { Chain, Mined } from '../chain.ts'
import { type Amid, endOf, outputOf, type Quarrel, quarrelAt } from './dispute-runs.ts'

/** Gas of a dispute by its parts; `total` is their sum. */
export type DisputeGas = {
  readonly total: number
  readonly challenge: number
  /** The asserter's first move, with its bond. */
  readonly opening: number
  /** Of each side, all lists between the opening and the proof. */
  readonly asserterLists: number
  readonly challengerLists: number
  /** The last move: the proven step and the consequences. */
  readonly proof: number
  readonly transactions: number
}

type Players = {
  readonly player: Party
  readonly challenger: Party
  readonly provider: Provider
  readonly buyer: Party
}
type Asserted = { readonly opening: Opening; readonly hash: Hex; readonly units: bigint; readonly quarrel: Quarrel }
type Phase = Exclude<keyof DisputeGas, 'total' | 'transactions'>
type Spent = readonly [phase: Phase, gas: bigint]

const DOLLAR = 1_000_000n
const STAKE = 10n ** 18n
const MANY = 2n ** 63n
/** Where the disputed step is, as a part of the run: all sizes of parts' numbers on the way. */
const [AT, OF] = [0x5b3c7e9n, 0x8000000n]
const TIMES = { startedAt: 1_700_000_000n, endedAt: 1_700_003_600n }

/** A dispute between people who have had none yet, about a run of so many steps that its provider invented. */
export async function dispute(scene: Scene, name: string, amid: Amid, steps: bigint): Promise<DisputeGas> {
  const players = await gather(scene, name)
  const { provider, buyer, challenger } = players
  const program = programHash(amid.machine.image)
  const deal = await scene.open(buyer, provider, { kind: Kind.Provable, program, price: 1n, budget: 100n * DOLLAR })
  const asserted = invent(amid, steps, deal)
  const signed = scene.sign(deal, 0, 0, 0n, [{ units: asserted.units, workHash: asserted.hash }])
  const batch = await scene.settle(signed)
  const args = [deal.id, shownInBatch(batch, signed, 0), deal.offer, deal.nonce] as const
  const data = encodeFunctionData({ abi: disputesAbi, functionName: 'challenge', args })
  const opened = await scene.chain.send(challenger.account, scene.chain.deployment.disputes, data)
  const spent = await playOut(scene.chain, players, opened, asserted)
  const sum = (phase?: Phase) => spent.reduce((all, [of, gas]) => all + (of === (phase ?? of) ? Number(gas) : 0), 0)
  return {
    ...{ total: sum(), challenge: sum('challenge'), opening: sum('opening'), asserterLists: sum('asserterLists') },
    ...{ challengerLists: sum('challengerLists'), proof: sum('proof'), transactions: spent.length },
  }
}

/** A provider that has named a key to play, its buyer and a challenger; both players have allowed their bonds. */
async function gather(scene: Scene, name: string): Promise<Players> {
  const { chain } = scene
  const provider = await scene.provider(`${name} provider`, 1_000n * STAKE)
  const [player, challenger] = [await scene.party(`${name} player`), await scene.party(`${name} challenger`)]
  const buyer = await scene.buyer(`${name} buyer`, 1_000n * DOLLAR)
  const { disputes, token } = chain.deployment
  for (const { account } of [player, challenger]) {
    await mintDollars(chain, account, 1_000n * DOLLAR)
    const approve = { abi: erc20Abi, functionName: 'approve', args: [disputes, MANY] } as const
    await chain.send(account, token, encodeFunctionData(approve))
  }
  const args = [provider.id, player.account.address] as const
  await chain.send(
    provider.account,
    disputes,
    encodeFunctionData({ abi: disputesAbi, functionName: 'setPlayer', args }),
  )
  return { player, challenger, provider, buyer }
}

/** A receipt for a run that never was, and how its provider would open it. */
function invent({ machine, input, programRoot }: Amid, steps: bigint, deal: SimDeal): Asserted {
  const units = (steps + BigInt(INSTRUCTIONS_PER_UNIT) - 1n) / BigInt(INSTRUCTIONS_PER_UNIT)
  const order = { index: 0n, maxUnits: units }
  const end = endOf(machine, steps)
  const quarrel = quarrelAt(machine, (steps * AT) / OF, steps, end.hash)
  const outputRoot = dataRoot(outputOf(machine))
  const work = {
    taskHash: taskHash({ dealKey: deal.key, inputRoot: dataRoot(input), ...order }),
    outputCommitment: outputCommitment(outputRoot, plainHashOf(outputRoot, end.hash)),
    ...TIMES,
  }
  const { image } = machine
  const opening = {
    ...{ ...TIMES, order, final: end.final },
    input: { length: input.length, tree: toHex(paddedRoot(input).root) },
    program: { codeRoot: toHex(image.codeTree.root()), programRoot, entry: image.entry },
    list: openingEnds(steps).map(quarrel.asserter.at),
  }
  return { opening, hash: workHash(work), units, quarrel }
}

/** Plays by both sides' runs to the end. */
async function playOut(chain: Chain, players: Players, opened: Mined, asserted: Asserted): Promise<Spent[]> {
  const [log] = parseEventLogs({ abi: disputesAbi, eventName: 'Challenged', logs: opened.receipt.logs })
  if (log === undefined) throw new Error('nothing was challenged')
  const spent: Spent[] = [['challenge', opened.gas]]
  const claim: Claim = log.args.facts
  let game: Game = log.args.opened
  let list: readonly Hex[] = []
  while (game.turn <= Turn.Challenger) {
    const next = moveIn(game.turn, decodePosition(game.state), list, asserted)
    const { account } = game.turn === Turn.Asserter ? players.player : players.challenger
    const led = await chain.reader.readContract({
      ...{ address: claim.referee, abi: bisectionRefereeAbi, functionName: 'next' },
      args: [claim, game.state, game.turn, next.move],
    })
    const data =
      next.phase === 'opening' || next.phase === 'proof'
        ? encodeFunctionData({ abi: disputesAbi, functionName: 'play', args: [claim, game, next.move] })
        : encodeFunctionData({ abi: disputesAbi, functionName: 'advance', args: [game, next.move] })
    const mined = await chain.send(account, chain.deployment.disputes, data)
    spent.push([next.phase, mined.gas])
    const [moved] = parseEventLogs({ abi: disputesAbi, eventName: 'Moved', logs: mined.receipt.logs })
    game = gameAfter(game, moved?.args.until ?? 0, { state: led[0], turn: led[1] })
    list = next.list
  }
  if (game.turn !== Turn.ChallengerWon) throw new Error('the lie was not found')
  return spent
}

type Move = { readonly phase: Phase; readonly move: Hex; readonly list: readonly Hex[] }

function moveIn(turn: number, position: Position | undefined, list: readonly Hex[], asserted: Asserted): Move {
  const { opening, quarrel } = asserted
  if (position === undefined) return { phase: 'opening', move: encodeOpening(opening), list: opening.list }
  const run = turn === Turn.Asserter ? quarrel.asserter : quarrel.challenger
  const part = firstDisagreement(list, partEnds(position).map(run.at))
  if (position.level === 1) {
    const move = stepProof(list, part, run.witness(position.lo + BigInt(part)))
    return { phase: 'proof', move, list: [] }
  }
  const own = partEnds(withinPart(position, part)).map(run.at)
  const phase = turn === Turn.Asserter ? 'asserterLists' : 'challengerLists'
  return { phase, move: dissection(list, part, own), list: own }
}
