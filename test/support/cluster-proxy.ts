/**
 * Bad connections: what is sent arrives twice, or not at all, or arrives and the answer is lost.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

import { keccak256, stringToHex } from 'viem'

/** A bad connection. */
export type BadLine = {
  readonly url: string
  /** Requests it did something to. */
  readonly spoiled: () => number
  close(): Promise<void>
}

type Handler = (request: IncomingMessage, body: Buffer, response: ServerResponse) => Promise<boolean>

/** Sends every POST on twice at the same time and passes one of the two answers back. */
export async function startDoubling(target: string): Promise<BadLine> {
  return listen(async (request, body, response) => {
    const isDoubled = request.method === 'POST'
    const answers = await Promise.all((isDoubled ? [0, 1] : [0]).map(() => forward(target, request, body)))
    const answer = answers.at(-1)
    if (answer !== undefined) await reply(answer, response)
    return isDoubled
  })
}

/** Of the transactions sent, one in so many is treated badly, as its bytes decide. */
const ONE_IN = 10
/** The client asks again by itself: that must not help. */
const TIMES = 3

/**
 * Passes JSON-RPC on. One transaction in ten is treated badly the first three times it is sent: it is not passed on, or it
 * is and the answer gets lost.
 */
export async function startFlapping(target: string): Promise<BadLine> {
  const seen = new Map<string, number>()

  function fateOf(body: Buffer): 'passes' | 'lost' | 'answer lost' {
    const raw = /"eth_sendRawTransaction","params":\["(0x[0-9a-f]+)"\]/.exec(body.toString('latin1'))?.[1]
    if (raw === undefined) return 'passes'
    const chance = Number(BigInt(keccak256(stringToHex(raw))) % BigInt(2 * ONE_IN))
    const times = (seen.get(raw) ?? 0) + 1
    seen.set(raw, times)
    if (chance > 1 || times > TIMES) return 'passes'
    return chance === 0 ? 'lost' : 'answer lost'
  }

  return listen(async (request, body, response) => {
    const fate = fateOf(body)
    if (fate !== 'lost') {
      const answer = await forward(target, request, body)
      if (fate === 'passes') {
        await reply(answer, response)
        return false
      }
      await answer.body?.cancel()
    }
    response.destroy()
    return true
  })
}

async function listen(handle: Handler): Promise<BadLine> {
  let spoiled = 0
  const server = createServer((request, response) => {
    const serve = async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(Buffer.from(chunk))
      if (await handle(request, Buffer.concat(chunks), response)) spoiled += 1
    }
    // the target is down: so is this
    serve().catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return {
    url: `http://127.0.0.1:${address.port}`,
    spoiled: () => spoiled,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function forward(
  target: string,
  { method = 'GET', url = '/', headers }: IncomingMessage,
  body: Buffer,
): Promise<Response> {
  const type = headers['content-type']
  return fetch(new URL(url, target), {
    method,
    ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    ...(method === 'GET' ? {} : { body: Uint8Array.from(body) }),
  })
}

async function reply(answer: Response, response: ServerResponse): Promise<void> {
  const bytes = Buffer.from(await answer.arrayBuffer())
  response.writeHead(answer.status, {
    'content-type': answer.headers.get('content-type') ?? 'application/octet-stream',
  })
  response.end(bytes)
}
