/**
 * What an adversary's plan is to the simulation.
 *
 * @module
 */
import type { Random } from '../bench/random.ts'
import type { Scene } from './scene.ts'
import type { Hand } from './wealth.ts'

/** What a strategy's episodes begin with. */
export type Cast = {
  /** Everything that is the adversary's, sybils too. */
  readonly adversary: Hand
  /** Who may lose by it. */
  readonly victims: Hand
}

/** A plan of an adversary. */
export type Strategy<Start extends Cast = Cast> = {
  readonly name: string
  /** What it does, in one sentence. */
  readonly plan: string
  /** Gets everybody to where the cheating begins; done once a chain. */
  prepare(scene: Scene): Promise<Start>
  /**
   * Brings one episode to where the cheating begins; what is earned until then is not counted.
   *
   * @returns Cheats and lets the episode end: windows passed, cases paid out. `isDetected`: an honest watcher sees it.
   */
  play(scene: Scene, start: Start, random: Random): Promise<(isDetected: boolean) => Promise<void>>
}

/** What an episode came to, settlement token base units. */
export type Result = { readonly profit: bigint; readonly loss: bigint }
