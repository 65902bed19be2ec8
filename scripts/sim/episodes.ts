/**
 * Plays strategies: each episode from the same start, all of them taken back afterwards.
 *
 * @module
 */
import { openChain } from '../bench/chain.ts'
import { createRandom } from '../bench/random.ts'
import { governGasValue } from './governance.ts'
import { createScene, type Scene } from './scene.ts'
import type { Cast, Result, Strategy } from './strategy.ts'
import type { Change } from './variations.ts'
import { wealthOf } from './wealth.ts'

/** Results of all episodes of a strategy. */
export type Played = { readonly detected: readonly Result[]; readonly undetected: readonly Result[] }

/** What the market of an episode is like. */
export type Setting = {
  readonly seed: number
  readonly change: Change
}

const FORK = { fork: 'osaka', client: 'edr' } as const

/** A market in which strategies are played one after the other, each from the same start. */
export type Market = {
  /** Plays `episodes` episodes with a watcher and as many without one. */
  play<Start extends Cast>(strategy: Strategy<Start>, episodes: number): Promise<Played>
  close(): Promise<void>
}

/** Opens a market on a chain of its own. */
export async function openMarket({ seed, change }: Setting): Promise<Market> {
  const { parameters = {}, gasValue, hoursUnseen } = change
  const chain = await openChain({ ...FORK, seed, parameters })
  if (gasValue !== undefined) await governGasValue(chain, gasValue)
  const play: Market['play'] = (strategy, episodes) =>
    chain.undone(async () => {
      const scene = await createScene(chain, seed, hoursUnseen)
      const start = await strategy.prepare(scene)
      const all = async (isDetected: boolean): Promise<Result[]> => {
        const results: Result[] = []
        for (let episode = 0; episode < episodes; episode += 1) {
          const random = createRandom(seed, `${strategy.name}/${episode}`)
          results.push(
            await chain.undone(async () => {
              const cheat = await strategy.play(scene, start, random)
              return measured(scene, start, () => cheat(isDetected))
            }),
          )
        }
        return results
      }
      return { detected: await all(true), undetected: await all(false) }
    })
  return { play, close: chain.close }
}

async function measured(scene: Scene, { adversary, victims }: Cast, play: () => Promise<void>): Promise<Result> {
  const [before, had] = [await wealthOf(scene, adversary), await wealthOf(scene, victims)]
  await play()
  return { profit: (await wealthOf(scene, adversary)) - before, loss: had - (await wealthOf(scene, victims)) }
}
