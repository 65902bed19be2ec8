/**
 * The order in which a region's blocks become WebAssembly's nested blocks and loops.
 *
 * A jump that nesting cannot express (into the middle of a loop) leaves the region instead and enters another one.
 * Source: N. Ramsey, "Beyond Relooper: recursive translation of unstructured control flow to structured control flow",
 * ICFP 2022; dominators by K. Cooper, T. Harvey and K. Kennedy, "A simple, fast dominance algorithm", 2001.
 *
 * @module
 */
import { type Block, type Region, successorsOf } from './blocks.ts'

/** A block and its place in the region. */
export type Node = {
  readonly block: Block
  /** Position in reverse postorder: every way that is no way back leads to a higher one. */
  readonly order: number
  /** Nodes that are reached through it alone. */
  readonly children: Node[]
  /** Forward ways that lead here; more than one make a label of it. */
  forward: number
  /** Whether ways lead back here. */
  isLoop: boolean
  /** Fuel that is enough until the next check. */
  need: number
  /** Whether fuel is checked on entering it: at the root, at loops and behind calls. */
  isChecked: boolean
}

/** A region in order. */
export type Flow = {
  readonly root: Node
  readonly nodes: readonly Node[]
  /** Where control can go inside of the region. */
  ways(from: Node): readonly Node[]
  /** The node a jump leads to, or undefined when it leaves the region. */
  target(from: Node, pc: number): Node | undefined
}

/** Orders a region. */
export function orderRegion(region: Region): Flow {
  const cut = new Set<string>()
  for (;;) {
    const flow = tryOrder(region, cut)
    const before = cut.size
    for (const key of flow.bad) cut.add(key)
    if (cut.size === before) return finish(flow.nodes, flow.parents, cut)
  }
}

type Draft = { readonly nodes: readonly Node[]; readonly parents: readonly number[]; readonly bad: readonly string[] }

const keyOf = (from: number, to: number) => `${from} ${to}`

function tryOrder(region: Region, cut: ReadonlySet<string>): Draft {
  const nodes = reversePostorder(region, cut).map(asNode)
  const byPc = new Map(nodes.map((node) => [node.block.pc, node]))
  const ways = nodes.map((node) => [...waysOf(node.block, byPc, cut)])
  const parents = dominators(nodes, ways)
  const bad: string[] = []
  for (const from of nodes) {
    for (const to of ways[from.order] ?? []) {
      if (to.order <= from.order && !dominates(parents, to.order, from.order))
        bad.push(keyOf(from.block.pc, to.block.pc))
    }
  }
  return { nodes, parents, bad }
}

function asNode(block: Block, order: number): Node {
  return { block, order, children: [], forward: 0, isLoop: false, need: 0, isChecked: order === 0 }
}

function* waysOf(block: Block, byPc: ReadonlyMap<number, Node>, cut: ReadonlySet<string>): Iterable<Node> {
  for (const pc of new Set(successorsOf(block))) {
    const to = byPc.get(pc)
    if (to !== undefined && !cut.has(keyOf(block.pc, pc))) yield to
  }
}

/** Blocks from the root on, each before those it leads to but for ways back. */
function reversePostorder({ root, blocks }: Region, cut: ReadonlySet<string>): Block[] {
  const seen = new Set<number>([root])
  const postorder: Block[] = []
  const first = blocks.get(root)
  const stack = first === undefined ? [] : [{ block: first, rest: [...successorsOf(first)] }]
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.rest.pop()
    if (next === undefined) {
      postorder.push(top.block)
      stack.pop()
      continue
    }
    const block = blocks.get(next)
    if (block === undefined || seen.has(next) || cut.has(keyOf(top.block.pc, next))) continue
    seen.add(next)
    stack.push({ block, rest: [...successorsOf(block)] })
  }
  return postorder.reverse()
}

/** The position of every node's immediate dominator; the root's is its own. */
function dominators(nodes: readonly Node[], ways: readonly (readonly Node[])[]): number[] {
  const before: number[][] = nodes.map(() => [])
  for (const [from, targets] of ways.entries()) for (const to of targets) before[to.order]?.push(from)
  const parents: number[] = nodes.map(() => -1)
  parents[0] = 0
  const meet = (left: number, right: number): number => {
    let [a, b] = [left, right]
    while (a !== b) {
      while (a > b) a = parents[a] as number
      while (b > a) b = parents[b] as number
    }
    return a
  }
  for (let isChanged = true; isChanged; ) {
    isChanged = false
    for (let order = 1; order < nodes.length; order += 1) {
      const known = (before[order] as number[]).filter((from) => parents[from] !== -1)
      const parent = known.reduce(meet)
      isChanged ||= parents[order] !== parent
      parents[order] = parent
    }
  }
  return parents
}

function dominates(parents: readonly number[], above: number, below: number): boolean {
  let at = below
  while (at > above) at = parents[at] as number
  return at === above
}

function finish(nodes: readonly Node[], parents: readonly number[], cut: ReadonlySet<string>): Flow {
  const byPc = new Map(nodes.map((node) => [node.block.pc, node]))
  const ways = nodes.map(({ block }) => [...waysOf(block, byPc, cut)])
  for (const from of nodes) for (const to of ways[from.order] as readonly Node[]) countWay(from, to)
  for (const node of nodes) node.isChecked ||= node.isLoop
  for (const node of nodes.slice(1)) nodes[parents[node.order] as number]?.children.push(node)
  for (const node of nodes.toReversed()) node.need = needOf(node, ways[node.order] as readonly Node[])
  return {
    root: nodes[0] as Node,
    nodes,
    ways: (from) => ways[from.order] as readonly Node[],
    target: (from, pc) => (cut.has(keyOf(from.block.pc, pc)) ? undefined : byPc.get(pc)),
  }
}

function countWay(from: Node, to: Node): void {
  const { kind } = from.block.end
  // what a computed jump leads to has to have a label
  if (to.order > from.order) to.forward += kind === 'jump-register' ? 2 : 1
  else to.isLoop = true
  if (kind === 'call' || kind === 'call-register') to.isChecked = true
}

function needOf({ block, order }: Node, ways: Iterable<Node>): number {
  let most = 0
  for (const to of ways) if (to.order > order && !to.isChecked) most = Math.max(most, to.need)
  return block.length + most
}
