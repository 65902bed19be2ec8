/**
 * Every strategy of the simulation.
 *
 * @module
 */
import { netTheft, vouchedInvention } from './strategies/collusion.ts'
import { doubleBilling } from './strategies/double-billing.ts'
import { forceGriefing } from './strategies/force-griefing.ts'
import { forkedStream } from './strategies/forked-stream.ts'
import { lienShielding } from './strategies/lien-shielding.ts'
import { noShow } from './strategies/no-show.ts'
import { oneHand } from './strategies/one-hand.ts'
import { overBilling } from './strategies/over-billing.ts'
import { selfReporting } from './strategies/self-reporting.ts'
import { stakeExit } from './strategies/stake-exit.ts'
import { outvotedProvider, stuffedPanel } from './strategies/stuffed-panel.ts'
import { thrownGame } from './strategies/thrown-game.ts'
import { forcedInvention, inventedWork, withheldOutput } from './strategies/unanswered.ts'
import type { Strategy } from './strategy.ts'

/** In the order of the documentation's tables. */
export const STRATEGIES: readonly Strategy[] = [
  doubleBilling,
  overBilling,
  forkedStream,
  selfReporting,
  oneHand,
  stakeExit,
  lienShielding,
  noShow,
  inventedWork,
  forcedInvention,
  withheldOutput,
  thrownGame,
  stuffedPanel,
  outvotedProvider,
  vouchedInvention,
  netTheft,
  forceGriefing,
]
