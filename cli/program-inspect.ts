/**
 * `tally program inspect`: what a program is to the market and to the machine.
 *
 * @module
 */
import Table from 'cli-table3'

import { decode, OP } from '#protocol/vm/decode.ts'
import { type Image, programHash } from '#protocol/vm/elf.ts'

import { type Io, toJson } from './io.ts'
import { readProgram } from './program-file.ts'

/** Flags of `tally program inspect`. */
export type InspectFlags = { json?: boolean }

const names = new Map<number, string>(Object.entries(OP).map(([name, op]) => [op, name.toLowerCase()]))
const toAddress = (address: number): string => `0x${address.toString(16).padStart(8, '0')}`

/** How often each instruction stands in the code, most frequent first; words that are none are `illegal`. */
function countInstructions({ segments }: Image): readonly (readonly [name: string, count: number])[] {
  const counts = new Map<string, number>()
  for (const { bytes, isExecutable } of segments) {
    if (!isExecutable) continue
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 0; at + 4 <= bytes.length; at += 4) {
      const name = names.get(decode(view.getUint32(at, true)).op) ?? 'illegal'
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  }
  return [...counts].sort(([left, some], [right, others]) => others - some || (left < right ? -1 : 1))
}

function inspect(elf: Uint8Array, image: Image) {
  const segments = image.segments.map(({ address, bytes, isExecutable }) => {
    return { address: toAddress(address), bytes: bytes.length, isExecutable }
  })
  const sum = (isExecutable: boolean): number =>
    segments.filter((one) => one.isExecutable === isExecutable).reduce((bytes, one) => bytes + one.bytes, 0)
  const instructions = countInstructions(image)
  return {
    program: programHash(image),
    entry: toAddress(image.entry),
    fileBytes: elf.length,
    codeBytes: sum(true),
    dataBytes: sum(false),
    segments,
    instructions: Object.fromEntries(instructions),
  }
}

function render({ program, entry, fileBytes, codeBytes, dataBytes, instructions }: ReturnType<typeof inspect>): string {
  const all = Object.entries(instructions)
  const words = all.reduce((sum, [, count]) => sum + count, 0)
  const table = new Table({ head: ['instruction', 'count', 'share'], style: { head: [], border: [] } })
  table.push(...all.map(([name, count]) => [name, String(count), `${((100 * count) / words).toFixed(1)} %`]))
  return [
    `program  ${program}`,
    `entry    ${entry}`,
    `size     ${fileBytes} bytes: ${codeBytes} of code, ${dataBytes} of data`,
    'The machine runs it; an offer of kind provable may name it.',
    ...(instructions.ecall === undefined ? ['It has no ecall: no run of it can halt, and none has an output.'] : []),
    table.toString(),
  ].join('\n')
}

/** Runs `tally program inspect`. */
export async function inspectCommand(io: Io, file: string, flags: InspectFlags): Promise<void> {
  const { elf, image } = await readProgram(file)
  const found = inspect(elf, image)
  io.out(flags.json === true ? toJson(found) : render(found))
}
