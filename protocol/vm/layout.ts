/**
 * Where everything stands in the provable machine: one 32-bit address space, code for fetches, data for loads and stores.
 *
 * @module
 */

/** Bytes of a leaf of a memory tree. */
export const LEAF_BYTES = 32
/** Bytes of a page: what is marked dirty and hashed as one. */
export const PAGE_BYTES = 4096
/** Levels of the tree inside of a page. */
export const PAGE_DEPTH = 7

/** First address of code, which is only fetched and never changes. */
export const CODE_BASE = 0x8000_0000
export const CODE_BYTES = 0x0040_0000
/** Levels of the code tree. */
export const CODE_DEPTH = 17

/** First address of data, which is loaded and stored. It begins where code begins and is another memory. */
export const DATA_BASE = 0x8000_0000
export const DATA_BYTES = 0x0400_0000
/** Levels of the data tree. */
export const DATA_DEPTH = 21
export const DATA_PAGES = DATA_BYTES / PAGE_BYTES

/** Image, heap and stack: the left child of the data tree's root. */
export const PROGRAM_BASE = DATA_BASE
export const PROGRAM_BYTES = 0x0200_0000
export const PROGRAM_DEPTH = 20

/** What a program answers. */
export const OUTPUT_BASE = 0x8200_0000
export const OUTPUT_BYTES = 0x0100_0000
export const OUTPUT_DEPTH = 19

/** What a program is asked. */
export const INPUT_BASE = 0x8300_0000
export const INPUT_BYTES = 0x0100_0000
export const INPUT_DEPTH = 19

/** Instructions of one billed unit. */
export const INSTRUCTIONS_PER_UNIT = 1_000_000

/** Register that holds the input's length at first, and the exit code at the end. */
export const REGISTER_A0 = 10
/** Register that holds the output's length at the end. */
export const REGISTER_A1 = 11
