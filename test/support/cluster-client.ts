/**
 * HTTP to members and workers, as buyers and workers use it.
 *
 * @module
 */
import type { Hex } from 'viem'

import { dataRoot } from '#protocol/merkle.ts'
import { toWire } from '#protocol/wire.ts'

/** An answer with its parsed body. */
export type Answer = { readonly status: number; readonly body: Record<string, unknown> }

const PATIENCE_MS = 20_000

/** Sends JSON (bigints as strings) with POST, or asks with GET where there is no body. */
export async function call(url: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    signal: AbortSignal.timeout(PATIENCE_MS),
    method: body === undefined ? 'GET' : 'POST',
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(toWire(body)) }),
  })
  return { status: response.status, body: JSON.parse(await response.text()) }
}

/** Puts bytes under their data root, or another that names them. @throws Error when they are not taken. */
export async function put(url: string, bytes: Uint8Array, root = dataRoot(bytes)): Promise<Hex> {
  const response = await fetch(`${url}/v1/data/${root}`, {
    signal: AbortSignal.timeout(PATIENCE_MS),
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: Buffer.from(bytes),
  })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return root
}
