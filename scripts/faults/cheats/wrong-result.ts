/**
 * See {@link Cheat}.
 *
 * @module
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Hex } from 'viem'

import { Turn } from '#protocol/disputes.ts'
import { orderDigest, taskHash } from '#protocol/eip712.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { signCompact } from '#protocol/signature.ts'
import { plainHashOf } from '#protocol/vm/result.ts'
import { stateHash } from '#protocol/vm/state.ts'
import type { SegmentReceipt } from '#protocol/wire.ts'
import { outputCommitment, workHash } from '#protocol/work.ts'
import { createSender } from '#runtime/act-sender.ts'
import { createActStore } from '#runtime/act-store.ts'
import { createCourt } from '#runtime/games/court.ts'
import { openingOf } from '#runtime/games/opening.ts'
import { createPlayer } from '#runtime/games/player.ts'
import { createPurse } from '#runtime/games/purse.ts'
import { createTruth } from '#runtime/games/truth.ts'
import { createLog } from '#runtime/log.ts'

import { putBytes } from '../../network/boards.ts'
import { LAMBDA_PHAGE } from '../../network/jobs.ts'
import { force } from '../batches.ts'
import type { Cheat } from '../cheat.ts'
import { type Run, runWrongly } from '../erring.ts'
import { type Deal, domainOf, openDeal, type Party } from '../party.ts'
import { sign } from '../work.ts'
import type { World } from '../world.ts'

const LOOK_MS = 500
const LONGEST_MS = 240_000
const MAX_GAS = 16_000_000n

type Wrong = { readonly receipt: SegmentReceipt; readonly run: Run; readonly lie: ReturnType<typeof runWrongly> }

/** A provider is paid for a wrong result of provable work, and stands by it. */
export const wrongResult: Cheat = {
  name: 'wrongResult',
  tries: 'a provider is paid for a wrong result of provable work, and defends it on chain to the last instruction',
  provable: 'at once',
  async play(world, party) {
    const { root: program, kind } = LAMBDA_PHAGE
    const deal = await openDeal(world, party, { program, kind })
    const wrong = await doWrongly(world, deal)
    for (const { url } of world.members) {
      await putBytes(`${url}/v1/data/${program}`, wrong.run.program)
      await putBytes(`${url}/v1/data/${dataRoot(wrong.run.input)}`, wrong.run.input)
    }
    world.noticeboard.show([wrong.receipt])
    await force(world, party.provider.owner, sign(world, deal, [{ receipt: wrong.receipt, bytes: [] }]))
    await defend(world, party, wrong)
    return { deals: [deal], slashed: 'provider' }
  },
}

/** Does one task; right before its program halts, the answer becomes another. */
async function doWrongly(world: World, deal: Deal): Promise<Wrong> {
  const { program, maxUnits } = LAMBDA_PHAGE
  const [input] = LAMBDA_PHAGE.loadTasks(1).inputs
  if (input === undefined) throw new Error('the example has no task')
  const run = { program, input, maxUnits }
  const lie = runWrongly(run)
  const { output, finalState, units } = lie.execution
  const order = { dealKey: deal.key, index: 0n, inputRoot: dataRoot(input), maxUnits }
  const { timestamp } = await world.client.getBlock()
  const times = { startedAt: Number(timestamp), endedAt: Number(timestamp) }
  const outputRoot = dataRoot(output)
  const plainHash = plainHashOf(outputRoot, stateHash(finalState))
  const commitment = outputCommitment(outputRoot, plainHash)
  const { dealKey: _, ...signed } = {
    ...order,
    signature: signCompact(orderDigest(order, domainOf(world)), deal.orderKey),
  }
  const hash = workHash({ taskHash: taskHash(order), outputCommitment: commitment, ...times })
  return { receipt: { units, workHash: hash, order: signed, outputRoot, plainHash, ...times }, run, lie }
}

/** Answers every move of whoever challenges the receipt, by the lying run, until the game is over. */
async function defend(world: World, { name, provider }: Party, { receipt, run, lie }: Wrong): Promise<void> {
  const { client, deployment } = world
  const { disputes: address, settlement, token, fromBlock, chainId } = deployment
  const store = createActStore(join(world.folder, `${name}-player.sqlite`), name)
  const log = createLog({ name, level: 'silent' })
  const sender = createSender({
    ...{ client, store, chainId, log, key: provider.owner, maxGas: MAX_GAS },
    ...{ confirmations: 1, dryRun: false, retryMs: LOOK_MS, nowMs: () => performance.now() },
  })
  const court = createCourt({ client, address, settlement, fromBlock: BigInt(fromBlock) })
  const purse = createPurse({ client, sender, token, court: address })
  const truth = createTruth(lie, run)
  const work = { ...run, ...receipt.order, startedAt: BigInt(receipt.startedAt), endedAt: BigInt(receipt.endedAt) }
  const asserted = { ...work, order: receipt.order }
  const statement = { truth, opening: async (): Promise<Hex> => await openingOf(asserted, lie.execution, truth) }
  const player = createPlayer({
    ...{ court, settlement, sender, purse, log },
    seatOf: ({ claim: { facts } }) =>
      facts.workHash === receipt.workHash ? { side: 'asserter', statement: async () => statement } : null,
  })
  const end = performance.now() + LONGEST_MS
  try {
    for (;;) {
      await sender.step()
      const view = await court.read()
      const own = [...view.games.values()].filter(({ claim }) => claim.facts.workHash === receipt.workHash)
      const lost = own.find(({ outcome }) => outcome === Turn.ChallengerWon)
      if (lost !== undefined) return world.say(`wrongResult: lost after ${lost.moves.length} moves`)
      if (own.some(({ outcome }) => outcome !== null)) throw new Error('the lie was not refuted')
      if (performance.now() > end) throw new Error('refuting a wrong result took too long')
      await player.step(view)
      await sleep(LOOK_MS)
    }
  } finally {
    store.close()
  }
}
