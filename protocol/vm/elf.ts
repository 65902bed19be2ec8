/**
 * Programs: ELF files of RV32IM code, what of them the machine's memories hold at first, and the hash that names them.
 *
 * Source: Tool Interface Standard, Executable and Linking Format 1.2; RISC-V ELF psABI, "File Header".
 *
 * @module
 */
import type { Hex } from 'viem'

import { TallyError } from '../errors.ts'
import { keccak, packWords, toHex, uintBytes } from '../words.ts'
import { CODE_BASE, CODE_BYTES, CODE_DEPTH, PAGE_BYTES, PROGRAM_BASE, PROGRAM_BYTES, PROGRAM_DEPTH } from './layout.ts'
import { createMemoryTree, type MemoryTree } from './tree.ts'

/** Bytes that are put to an address before a program starts. */
export type Segment = { readonly address: number; readonly bytes: Uint8Array; readonly isExecutable: boolean }

/** A program as the machine starts with it. */
export type Image = {
  readonly entry: number
  /** In ascending order of address, none overlapping; all of them stand in data memory, executable ones in code, too. */
  readonly segments: readonly Segment[]
  /** The code region in whole pages up to the end of the code; never written after. */
  readonly code: Uint8Array
  /** Bytes of the code region, a multiple of 4, behind which there is no code. */
  readonly codeLength: number
  readonly codeTree: MemoryTree
}

/** Thrown when a file is no program the machine runs. */
export class ProgramError extends TallyError {
  override readonly name = 'ProgramError'

  constructor(code: 'program.malformed' | 'program.compressed', problem: string) {
    super(code, `program ${problem}`)
  }
}

type Header = { readonly entry: number; readonly table: number; readonly entryBytes: number; readonly entries: number }
type Placed = { readonly bytes: Uint8Array; readonly tree: MemoryTree; readonly length: number }
type Range = { readonly address: number; readonly memoryBytes: number; readonly segment: Segment }

const HEADER_BYTES = 52
const TABLE_ENTRY_BYTES = 32
/** Magic number, 32-bit, little-endian, version 1. */
const IDENTIFICATION = [0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]
const EXECUTABLE_FILE = 2
const RISC_V = 243
const COMPRESSED_FLAG = 1
const LOADED = 1
const EXECUTABLE_FLAG = 1

/**
 * The program in an ELF file.
 *
 * What it allocates is bounded by the size of the regions, whatever the file says.
 *
 * @throws {@link ProgramError} `program.compressed` when it has compressed instructions, `program.malformed` otherwise.
 */
export function loadElf(file: Uint8Array): Image {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const header = readHeader(file, view)
  const ranges = readRanges(file, view, header)
  checkPlaces(ranges)
  const { entry } = header
  if (entry % 4 !== 0 || !isWithin(entry, 4, CODE_BASE, CODE_BYTES))
    throw malformed(`starts at ${toAddress(entry)}, where no code can be`)
  const segments = ranges.map(({ segment }) => segment)
  const executable = segments.filter(({ isExecutable }) => isExecutable)
  const { bytes, tree, length } = placed(executable, CODE_BASE, CODE_DEPTH)
  return { entry, segments, code: bytes, codeLength: 4 * Math.ceil(length / 4), codeTree: tree }
}

/** Hash that names a program: keccak256(abi.encode(codeRoot, root of the program region, entry)). */
export function programHash({ segments, codeTree, entry }: Image): Hex {
  const { tree } = placed(segments, PROGRAM_BASE, PROGRAM_DEPTH)
  return toHex(keccak(packWords([codeTree.root(), tree.root(), uintBytes(entry, 256, 'entry')])))
}

function readHeader(file: Uint8Array, view: DataView): Header {
  if (file.length < HEADER_BYTES || IDENTIFICATION.some((byte, at) => file[at] !== byte))
    throw malformed('is no 32-bit little-endian ELF file')
  if (view.getUint16(16, true) !== EXECUTABLE_FILE) throw malformed('is not a linked executable')
  if (view.getUint16(18, true) !== RISC_V) throw malformed('is for another machine than RISC-V')
  if ((view.getUint32(36, true) & COMPRESSED_FLAG) !== 0)
    throw new ProgramError('program.compressed', 'has compressed instructions: build it for rv32im')
  return {
    entry: view.getUint32(24, true),
    table: view.getUint32(28, true),
    entryBytes: view.getUint16(42, true),
    entries: view.getUint16(44, true),
  }
}

function readRanges(file: Uint8Array, view: DataView, { table, entryBytes, entries }: Header): Range[] {
  if (entryBytes < TABLE_ENTRY_BYTES || table + entryBytes * entries > file.length)
    throw malformed('has a table of segments that does not fit its file')
  const ranges: Range[] = []
  for (let at = table; at < table + entryBytes * entries; at += entryBytes) {
    const memoryBytes = view.getUint32(at + 20, true)
    if (view.getUint32(at, true) !== LOADED || memoryBytes === 0) continue
    ranges.push(readRange(file, view, at, memoryBytes))
  }
  if (ranges.length === 0) throw malformed('has nothing to load')
  return ranges.sort((one, other) => one.address - other.address)
}

function readRange(file: Uint8Array, view: DataView, at: number, memoryBytes: number): Range {
  const [offset, address] = [view.getUint32(at + 4, true), view.getUint32(at + 8, true)]
  const fileBytes = view.getUint32(at + 16, true)
  const isExecutable = (view.getUint32(at + 24, true) & EXECUTABLE_FLAG) !== 0
  if (fileBytes > memoryBytes || offset + fileBytes > file.length)
    throw malformed(`has a segment at ${toAddress(address)} with more bytes than its file or its memory`)
  // linkers map the file's own headers into the page before the first code: they are no part of the program
  const headers = offset === 0 && address < PROGRAM_BASE ? Math.min(PROGRAM_BASE - address, fileBytes) : 0
  const bytes = Uint8Array.from(file.subarray(offset + headers, offset + fileBytes))
  const segment = { address: address + headers, bytes, isExecutable }
  return { address: segment.address, memoryBytes: memoryBytes - headers, segment }
}

function checkPlaces(ranges: readonly Range[]): void {
  let free = PROGRAM_BASE
  for (const { address, memoryBytes, segment } of ranges) {
    const codeEnd = segment.isExecutable ? address + segment.bytes.length : CODE_BASE
    if (!isWithin(address, memoryBytes, PROGRAM_BASE, PROGRAM_BYTES) || codeEnd > CODE_BASE + CODE_BYTES)
      throw malformed(`has a segment at ${toAddress(address)}, outside of where it may be`)
    if (address < free) throw malformed(`has segments that overlap at ${toAddress(address)}`)
    free = address + memoryBytes
  }
}

/** A region with the segments in it, up to the end of the last one and of its page. */
function placed(segments: readonly Segment[], base: number, depth: number): Placed {
  const length = segments.reduce((last, { address, bytes }) => Math.max(last, address - base + bytes.length), 0)
  const dirty = new Uint8Array(Math.ceil(length / PAGE_BYTES))
  const bytes = new Uint8Array(PAGE_BYTES * dirty.length)
  for (const segment of segments) {
    const at = segment.address - base
    bytes.set(segment.bytes, at)
    dirty.fill(1, Math.floor(at / PAGE_BYTES), Math.ceil((at + segment.bytes.length) / PAGE_BYTES))
  }
  const tree = createMemoryTree(bytes, depth)
  tree.update(dirty)
  return { bytes, tree, length }
}

function isWithin(address: number, length: number, base: number, size: number): boolean {
  return address >= base && address + length <= base + size
}

function toAddress(value: number): string {
  return `0x${value.toString(16)}`
}

function malformed(problem: string): ProgramError {
  return new ProgramError('program.malformed', problem)
}
