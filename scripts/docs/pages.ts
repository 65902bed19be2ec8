/**
 * Pages whose figures come from records: what stands between `<!-- figures: NAME -->` and `<!-- end -->` is written by
 * `npm run generate`, so that page and record cannot drift apart.
 *
 * @module
 */
const BLOCK = /<!-- figures: (?<name>[a-z0-9-]+) -->\n(?<body>[\s\S]*?)<!-- end -->/g

/**
 * A page with every block's text put in.
 *
 * @param blocks - Text by the block's name.
 * @throws Error when the page names a block nobody writes.
 */
export function fillPage(page: string, blocks: ReadonlyMap<string, () => string>): string {
  return page.replaceAll(BLOCK, (_, name: string) => {
    const write = blocks.get(name)
    if (write === undefined) throw new Error(`nobody writes the figures "${name}"`)
    return `<!-- figures: ${name} -->\n${write().trimEnd()}\n<!-- end -->`
  })
}

/** Names of the blocks of a page. */
export function blocksOf(page: string): string[] {
  return [...page.matchAll(BLOCK)].map(({ groups }) => groups?.name ?? '')
}

/**
 * A Markdown table; the first column is aligned left, all others right.
 *
 * @param rows - Head first, all of one length.
 */
export function tableOf(rows: readonly (readonly string[])[], leftColumns = 1): string {
  const [head = [], ...body] = rows
  const rule = head.map((_, column) => (column < leftColumns ? '---' : '--:'))
  return [head, rule, ...body].map((row) => `| ${row.join(' | ')} |\n`).join('')
}

/** A number as pages show it. */
export function shown(value: number | null, digits = 0): string {
  return value === null ? '–' : value.toLocaleString('en', { maximumFractionDigits: digits })
}
