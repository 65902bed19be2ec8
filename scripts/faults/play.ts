/**
 * Plays cheats to their end: all are done, found out and paid for before anything is counted.
 *
 * @module
 */
import type { Address } from 'viem'

import { casesOf, handOut, type Proven, untilDemanded, untilPaid, untilProven } from './cases.ts'
import { type Cheat, type Outcome, type Played, STAGES, type Stage, type Standing } from './cheat.ts'
import { makeParty, type Party } from './party.ts'
import { pass } from './time.ts'
import type { World } from './world.ts'
import { standing, worthOfBuyer, worthOfMembers, worthOfProvider, worthOfStake } from './worth.ts'

const HOUR = 3_600
/** What passes before what is provable at a stage is looked for, seconds: demands are answered within twelve hours. */
const BEFORE: Readonly<Record<Stage, number>> = { 'at once': 0, 'on silence': 13 * HOUR, 'at the end': 15 * HOUR }
/** How long slashed stake waits, and a little. */
const VAULT = 73 * HOUR

type Game = {
  readonly cheat: Cheat
  readonly party: Party
  readonly played: Played
  /** What the members who take part had. */
  readonly members: bigint
  readonly before: Standing
}

/** Plays all of them on one chain. */
export async function playAll(world: World, cheats: readonly Cheat[]): Promise<Outcome[]> {
  const games: Game[] = []
  for (const cheat of cheats) {
    world.say(`${cheat.name}: ${cheat.tries}`)
    games.push(await begin(world, cheat))
  }
  await untilDemanded(
    world,
    games.flatMap(({ cheat, played }) => (cheat.provable === 'on silence' ? played.deals : [])),
  )
  const proofs = new Map<Game, Proven>()
  for (const stage of STAGES) {
    if (BEFORE[stage] > 0) world.say(`${BEFORE[stage] / HOUR} hours pass`)
    await pass(world, BEFORE[stage])
    for (const game of games.filter(({ cheat }) => cheat.provable === stage)) {
      const proven = await untilProven(world, game.party, game.played, game.cheat.name)
      world.say(`${game.cheat.name}: proven in ${proven.transaction} for ${proven.gas.toLocaleString('en')} gas`)
      proofs.set(game, proven)
    }
  }
  world.say('three days pass, slashed stake leaves the vault')
  await pass(world, VAULT)
  await untilPaid(
    world,
    [...proofs.values()].map(({ subject }) => subject),
  )
  for (const { party } of games) await handOut(world, party.buyer.address)
  const outcomes: Outcome[] = []
  for (const game of games) outcomes.push(await settle(world, game, proofs.get(game)?.gas ?? 0))
  return outcomes
}

async function begin(world: World, cheat: Cheat): Promise<Game> {
  const party = await makeParty(world, cheat.name.toLowerCase())
  const [provider, buyer] = [await worthOfProvider(world, party), await worthOfBuyer(world, party, [])]
  const bonds = await Promise.all(world.members.map(({ signer }) => worthOfMembers(world, [signer])))
  const played = await cheat.play(world, party)
  const taking = world.members.map(({ signer }, index) => (isOf(played, signer) ? (bonds[index] ?? 0n) : 0n))
  const members = taking.reduce((total, one) => total + one, 0n)
  const own = played.isProviderHonest === true ? 0n : provider
  return { cheat, party, played, members, before: { cheater: own + members, buyer } }
}

function isOf({ members }: Played, signer: Address): boolean {
  return members?.includes(signer) ?? false
}

/** What both sides have; members lose what they were slashed for this, whatever else befell them. */
async function look(world: World, { party, played, members }: Game): Promise<Standing> {
  const cases = played.slashed === 'members' ? await casesOf(world, party, played) : []
  const taken = cases.reduce((total, one) => total + one.taken, 0n)
  const [provider, slashed, buyer] = await Promise.all([
    played.isProviderHonest === true ? 0n : worthOfProvider(world, party),
    worthOfStake(world, taken),
    worthOfBuyer(world, party, played.deals),
  ])
  return { cheater: provider + members - slashed, buyer }
}

async function settle(world: World, game: Game, proofGas: number): Promise<Outcome> {
  const { cheat, played, before } = game
  const [after, stands] = await Promise.all([look(world, game), standing(world, played.deals)])
  const earned = played.isProviderHonest === true ? 0n : stands.net
  const cheaterProfit = after.cheater - before.cheater - earned
  const buyerLoss = before.buyer - after.buyer - stands.gross
  return { cheat, cheaterProfit, buyerLoss, proofGas, before, after }
}
