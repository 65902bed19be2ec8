/**
 * Plays cheats to their end: all are done, found out and paid for before anything is counted.
 *
 * @module
 */
import type { Hex } from 'viem'

import { untilPaid, untilProven } from './cases.ts'
import type { Cheat, Outcome, Played, Standing } from './cheat.ts'
import { makeParty, type Party } from './party.ts'
import { pass } from './time.ts'
import type { World } from './world.ts'
import { standing, worthOfBuyer, worthOfMembers, worthOfProvider } from './worth.ts'

const HOUR = 3_600
/** Until a deal of two hours and its closing day are over. */
const DEALS_OVER = 27 * HOUR
/** How long slashed stake waits, and a little. */
const VAULT = 73 * HOUR

type Game = { readonly cheat: Cheat; readonly party: Party; readonly played: Played; readonly before: Standing }

/** Plays all of them on one chain. */
export async function playAll(world: World, cheats: readonly Cheat[]): Promise<Outcome[]> {
  const games: Game[] = []
  for (const cheat of cheats) {
    world.say(`${cheat.name}: ${cheat.tries}`)
    games.push(await begin(world, cheat))
  }
  world.say('a day passes, deals end')
  await pass(world, DEALS_OVER)
  const proofs = new Map<Game, { gas: number; subject: Hex }>()
  for (const game of games) {
    const proven = await untilProven(world, game.party, game.played, game.cheat.name)
    world.say(`${game.cheat.name}: proven in ${proven.transaction} for ${proven.gas.toLocaleString('en')} gas`)
    proofs.set(game, proven)
  }
  world.say('three days pass, slashed stake leaves the vault')
  await pass(world, VAULT)
  await untilPaid(
    world,
    [...proofs.values()].map(({ subject }) => subject),
  )
  const outcomes: Outcome[] = []
  for (const game of games) outcomes.push(await settle(world, game, proofs.get(game)?.gas ?? 0))
  return outcomes
}

async function begin(world: World, cheat: Cheat): Promise<Game> {
  const party = await makeParty(world, cheat.name.toLowerCase())
  const before = await look(world, party, { deals: [], slashed: 'provider' })
  const played = await cheat.play(world, party)
  const members = await worthOfMembers(world, played.members ?? [])
  return { cheat, party, played, before: { ...before, cheater: before.cheater + members } }
}

async function look(world: World, party: Party, played: Played): Promise<Standing> {
  const [provider, members, buyer] = await Promise.all([
    worthOfProvider(world, party),
    worthOfMembers(world, played.members ?? []),
    worthOfBuyer(world, party, played.deals),
  ])
  return { cheater: provider + members, buyer }
}

async function settle(world: World, { cheat, party, played, before }: Game, proofGas: number): Promise<Outcome> {
  const [after, stands] = await Promise.all([look(world, party, played), standing(world, played.deals)])
  const cheaterProfit = after.cheater - before.cheater - stands.net
  const buyerLoss = before.buyer - after.buyer - stands.gross
  return { cheat, cheaterProfit, buyerLoss, proofGas, before, after }
}
