/**
 * What everybody says to the nodes over HTTP: bounded, and every answer that is not yes is an error that says why.
 *
 * @module
 */

const TIMEOUT_MS = 20_000
/** One connection a request: a kept one may be closed by a busy node just when it is used again. */
const FRESH = { connection: 'close' }

async function request(url: string, init: RequestInit): Promise<Response> {
  const headers = { ...FRESH, ...init.headers }
  const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (response.ok) return response
  throw new Error(`${init.method ?? 'GET'} ${url}: ${response.status} ${await response.text()}`)
}

/** Answer of a route as JSON. */
export async function getJson(url: string): Promise<unknown> {
  return (await request(url, {})).json()
}

/** Answer of a route as JSON; null when there is nothing of the kind. */
export async function findJson(url: string): Promise<unknown> {
  const response = await fetch(url, { headers: FRESH, signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (response.status === 404) return null
  if (response.ok) return response.json()
  throw new Error(`GET ${url}: ${response.status} ${await response.text()}`)
}

/** Bytes of a route. */
export async function getBytes(url: string): Promise<Uint8Array> {
  return new Uint8Array(await (await request(url, {})).arrayBuffer())
}

/** Posts JSON. */
export async function postJson(url: string, body: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  return (await request(url, { method: 'POST', headers, body: JSON.stringify(body) })).json()
}

/** Puts bytes. */
export async function putBytes(url: string, bytes: Uint8Array): Promise<void> {
  const headers = { 'content-type': 'application/octet-stream' }
  await (await request(url, { method: 'PUT', headers, body: new Uint8Array(bytes) })).arrayBuffer()
}

/** Runs `work` on every item, at most `limit` at a time. */
export async function eachOf<T>(items: readonly T[], limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const lanes = Array.from({ length: Math.min(limit, items.length) }, async () => {
    for (const item of queue) await work(item)
  })
  await Promise.all(lanes)
}
