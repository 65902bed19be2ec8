/** @module */
import { rogueForking } from '../forking.ts'

/** Shows the buyer one history and the chain another. */
export const forkedStream = rogueForking({
  name: 'forked stream',
  plan: 'signs one history of a stream for the buyer and a dearer one for the chain',
})
