/**
 * One machine's memory for many small programs, one after the other: 64 MiB are not for every case.
 *
 * @module
 */
import { PAGE_BYTES } from '#protocol/vm/layout.ts'
import type { MachineMemory } from '#protocol/vm/machine.ts'

/** Makes memory zero again in which every page that was written since is still dirty. */
export function wipe({ bytes, dirty, registers }: MachineMemory): void {
  for (let page = dirty.indexOf(1); page >= 0; page = dirty.indexOf(1, page + 1))
    bytes.fill(0, PAGE_BYTES * page, PAGE_BYTES * (page + 1))
  dirty.fill(0)
  registers.fill(0)
}
