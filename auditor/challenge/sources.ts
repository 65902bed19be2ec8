/**
 * What a receipt of provable work was made of, from whoever serves it or from files. Nothing that is fetched is believed:
 * the preimage hashes to the receipt's work hash, program and input to the roots that deal and order name.
 *
 * @module
 */
import type { Hex } from 'viem'

import { isProgram, MAX_CONTENT_BYTES } from '#protocol/content.ts'
import { taskHash } from '#protocol/eip712.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { Kind } from '#protocol/types.ts'
import type { WorkPreimage } from '#protocol/wire.ts'
import { outputCommitment, workHash } from '#protocol/work.ts'

import { readWork } from '../watch/wire.ts'

/** What a receipt was made of: enough to do its work again. */
export type Evidence = { readonly work: WorkPreimage; readonly program: Uint8Array; readonly input: Uint8Array }

/** What of it is there already, and need not be asked for. */
export type Given = { readonly [Part in keyof Evidence]?: Evidence[Part] | undefined }

/** A receipt whose work is asked for. */
export type Wanted = { readonly dealKey: Hex; readonly program: Hex; readonly workHash: Hex }

/** A part that nobody has; what it is, for people. */
export type Missing = { readonly missing: string }

const TIMEOUT_MS = 30_000

/**
 * Asks for everything.
 *
 * @param places - Base URLs, asked in turn.
 */
export async function gather(
  wanted: Wanted,
  places: readonly string[],
  options: { readonly given?: Given; readonly signal: AbortSignal },
): Promise<Evidence | Missing> {
  const { given = {}, signal } = options
  const isIts = (one: WorkPreimage) => hashOf(wanted.dealKey, one) === wanted.workHash
  const work = await found(given.work, isIts, places, async (place) => await readWork(place, wanted.workHash, signal))
  if (work === null) return { missing: `what the work hash ${wanted.workHash} was made of` }
  const bytesAt = (root: Hex) => async (place: string) => await readBytes(`${place}/v1/data/${root}`, signal)
  const isItsProgram = (bytes: Uint8Array) => isProgram(Kind.Provable, wanted.program, bytes)
  const program = await found(given.program, isItsProgram, places, bytesAt(wanted.program))
  if (program === null) return { missing: `the program ${wanted.program}` }
  const { inputRoot } = work.order
  const input = await found(given.input, (bytes) => dataRoot(bytes) === inputRoot, places, bytesAt(inputRoot))
  return input === null ? { missing: `the input ${inputRoot}` } : { work, program, input }
}

/** The first that fits: the one given, or one that somebody serves. */
async function found<Part>(
  given: Part | undefined,
  fits: (part: Part) => boolean,
  places: readonly string[],
  ask: (place: string) => Promise<Part | null>,
): Promise<Part | null> {
  if (given !== undefined && fits(given)) return given
  for (const place of places) {
    const part = await ask(place).catch(() => null)
    if (part !== null && fits(part)) return part
  }
  return null
}

/** Work hash of a preimage. */
function hashOf(dealKey: Hex, { order, outputRoot, plainHash, startedAt, endedAt }: WorkPreimage): Hex {
  const { index, inputRoot, maxUnits } = order
  return workHash({
    ...{ taskHash: taskHash({ dealKey, index, inputRoot, maxUnits }), startedAt, endedAt },
    outputCommitment: outputCommitment(outputRoot, plainHash),
  })
}

async function readBytes(url: string, signal: AbortSignal): Promise<Uint8Array | null> {
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) })
  if (!response.ok) return null
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.byteLength
    if (length > MAX_CONTENT_BYTES) return null
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts))
}
