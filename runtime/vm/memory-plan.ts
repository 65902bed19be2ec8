/**
 * Where everything stands in the one WebAssembly memory that translated code works on.
 *
 * @module
 */
import { CODE_BYTES, DATA_BYTES, DATA_PAGES } from '#protocol/vm/layout.ts'

/** One byte per page of data: 1 when it was written. Data itself begins at 0. */
export const DIRTY_AT = DATA_BYTES
/** x0 to x31, four bytes each; what stands at x0 means nothing. */
export const REGISTERS_AT = DIRTY_AT + DATA_PAGES
/** The program counter, where translated code is entered and left. */
export const PC_AT = REGISTERS_AT + 128
/** Instructions that may still be executed, eight bytes. */
export const FUEL_AT = PC_AT + 8
/** Four bytes per word of code: the table slot of the function that begins there, 0 when none does. */
export const SLOTS_AT = DATA_BYTES + 65_536
/** Two bytes per word of code: its number among the places that computed jumps of its surroundings may lead to. */
export const CASES_AT = SLOTS_AT + CODE_BYTES
/** Size of it all, in WebAssembly's pages of 64 KiB. */
export const MEMORY_PAGES = (CASES_AT + CODE_BYTES / 2) / 65_536
