/**
 * Plays strategies: each on a chain of its own, each episode from the same start, all of them taken back afterwards.
 *
 * @module
 */
import { type ChainOptions, openChain } from '../bench/chain.ts'
import { createRandom } from '../bench/random.ts'
import { createScene, type Scene } from './scene.ts'
import type { Cast, Result, Strategy } from './strategy.ts'
import { wealthOf } from './wealth.ts'

/** Results of all episodes of a strategy. */
export type Played = { readonly detected: readonly Result[]; readonly undetected: readonly Result[] }

/** Plays `episodes` episodes with a watcher and as many without one. */
export async function playStrategy<Start extends Cast>(
  options: ChainOptions,
  strategy: Strategy<Start>,
  episodes: number,
): Promise<Played> {
  const chain = await openChain(options)
  try {
    const scene = await createScene(chain, options.seed)
    const start = await strategy.prepare(scene)
    const play = async (isDetected: boolean): Promise<Result[]> => {
      const results: Result[] = []
      for (let episode = 0; episode < episodes; episode += 1) {
        const random = createRandom(options.seed, `${strategy.name}/${episode}`)
        results.push(
          await chain.undone(async () => {
            const cheat = await strategy.play(scene, start, random)
            return measured(scene, start, () => cheat(isDetected))
          }),
        )
      }
      return results
    }
    return { detected: await play(true), undetected: await play(false) }
  } finally {
    await chain.close()
  }
}

async function measured(scene: Scene, { adversary, victims }: Cast, play: () => Promise<void>): Promise<Result> {
  const [before, had] = [await wealthOf(scene, adversary), await wealthOf(scene, victims)]
  await play()
  return { profit: (await wealthOf(scene, adversary)) - before, loss: had - (await wealthOf(scene, victims)) }
}
