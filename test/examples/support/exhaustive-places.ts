/**
 * The best places of a read on a genome by looking at every one: Sellers' algorithm over the whole genome, no index, no band.
 *
 * @module
 */

/** Letters as the input of `map-reads.c` has them: 0 to 3, 4 for unknown. */
export type Letters = Uint8Array

/** What is known of the best places. */
export type Best = { readonly differences: number; readonly places: ReadonlySet<number> }

/** Genome and reads of a task's input. */
export function parseTask(input: Uint8Array): { readonly genome: Letters; readonly reads: readonly Letters[] } {
  const bytes = Buffer.from(input)
  const genome = Uint8Array.from({ length: bytes.readUInt32LE(0) }, (_, at) => {
    return ((bytes[8 + Math.floor(at / 4)] ?? 0) >> (2 * (at % 4))) & 3
  })
  const reads: Letters[] = []
  let at = 8 + Math.ceil(genome.length / 4)
  for (let read = bytes.readUInt32LE(4); read > 0; read--) {
    const from = at + 2
    const letters = bytes.readUInt16LE(at)
    reads.push(
      Uint8Array.from({ length: letters }, (_, letter) => {
        const byte = bytes[from + (letter >> 1)] ?? 0
        return letter % 2 === 0 ? byte & 15 : byte >> 4
      }),
    )
    at = from + Math.ceil(letters / 2)
  }
  return { genome, reads }
}

/** The read as its molecule's other strand has it. */
export function otherStrand(read: Letters): Letters {
  return read.map((_, at) => {
    const letter = read[read.length - 1 - at] ?? 4
    return letter === 4 ? 4 : 3 - letter
  })
}

/** One more letter of the genome: fewest differences of each beginning of the pattern from what ends here. */
function advance(pattern: Letters, letter: number, before: Uint16Array, after: Uint16Array): number {
  for (let at = 1; at <= pattern.length; at++) {
    const aligned = (before[at - 1] ?? 0) + (pattern[at - 1] === letter ? 0 : 1)
    const apart = Math.min(before[at] ?? 0, after[at - 1] ?? 0) + 1
    after[at] = Math.min(aligned, apart)
  }
  return after[pattern.length] ?? 0
}

/** Fewest differences of the read from anywhere on the genome, and all places where an alignment with them may begin. */
export function bestPlaces(genome: Letters, read: Letters): Best {
  // both reversed: an alignment's end on the reversed genome is its beginning on the genome
  const pattern = read.toReversed()
  let before = Uint16Array.from({ length: pattern.length + 1 }, (_, at) => at)
  let after = new Uint16Array(pattern.length + 1)
  let differences = Number.POSITIVE_INFINITY
  let places: number[] = []
  for (const [end, letter] of genome.toReversed().entries()) {
    const found = advance(pattern, letter, before, after)
    ;[before, after] = [after, before]
    if (found < differences) [differences, places] = [found, []]
    if (found === differences) places.push(genome.length - 1 - end)
  }
  return { differences, places: new Set(places) }
}
