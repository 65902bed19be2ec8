/**
 * Groups of netted deals that a provider's side announces itself.
 *
 * @module
 */
import type { Hex } from 'viem'

import { groupHash } from './batch-root.ts'
import { leavesRoot } from './merkle.ts'
import { Mode, type Tally } from './types.ts'
import { fixedBytes, keccak, packWords, toHex, uintBytes } from './words.ts'

/** Root that a `Force` over an announced group signs: that of a batch of mode 2 with this group and no blobs. */
export function netForceRoot(tally: Tally): Hex {
  const words = [
    uintBytes(Mode.Net, 8, 'mode'),
    uintBytes(1, 256, 'groups'),
    fixedBytes(leavesRoot([groupHash(tally)]), 32, 'root'),
    new Uint8Array(32),
  ]
  return toHex(keccak(packWords(words)))
}
