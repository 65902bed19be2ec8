/**
 * Counts of cases by how they were made and what became of them.
 *
 * @module
 */

/** A table that grows a row per construction and a column per verdict. */
export type Histogram = {
  add(construction: string, verdict: string): void
  /** How many cases have this verdict, or all of them. */
  count(verdict?: string): number
  print(title: string): void
  /** Counts by construction, then by verdict. */
  counts(): Record<string, Record<string, number>>
}

/** An empty histogram with these columns first. */
export function createHistogram(verdicts: readonly string[]): Histogram {
  const columns = [...verdicts]
  const rows = new Map<string, Map<string, number>>()

  function count(verdict?: string): number {
    let sum = 0
    for (const row of rows.values()) {
      for (const [name, cases] of row) if (verdict === undefined || name === verdict) sum += cases
    }
    return sum
  }

  return {
    count,
    counts() {
      const names = [...rows.keys()].sort()
      return Object.fromEntries(names.map((name) => [name, Object.fromEntries(rows.get(name) ?? [])]))
    },
    add(construction, verdict) {
      if (!columns.includes(verdict)) columns.push(verdict)
      const row = rows.get(construction) ?? new Map<string, number>()
      rows.set(construction, row.set(verdict, (row.get(verdict) ?? 0) + 1))
    },
    print(title) {
      const names = [...rows.keys()].sort()
      const width = Math.max(...names.map((name) => name.length), 3)
      const line = (name: string, cells: readonly string[]): string =>
        `      ${name.padEnd(width)} ${cells.map((cell, at) => cell.padStart(Math.max(8, columns[at]?.length ?? 0) + 1)).join('')}`
      console.log(`      ${title}`)
      console.log(line('', columns))
      for (const name of names) {
        console.log(line(name, columns.map((verdict) => rows.get(name)?.get(verdict) ?? '').map(String)))
      }
      console.log(
        line(
          'all',
          columns.map((verdict) => `${count(verdict)}`),
        ),
      )
    },
  }
}
