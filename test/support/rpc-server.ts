/**
 * An in-process chain behind a URL, for programs that know chains by URL only.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'

import type { Rpc } from './rpc.ts'

/** A served chain. */
export type RpcServer = { readonly url: string; close(): Promise<void> }

type Call = { id: unknown; method: string; params?: unknown[] }

/** Serves a chain on a port of its own. */
export async function serveRpc(rpc: Rpc): Promise<RpcServer> {
  async function answer({ id, method, params = [] }: Call): Promise<unknown> {
    try {
      return { jsonrpc: '2.0', id, result: await rpc.request({ method, params }) }
    } catch (error) {
      const { message = 'failed', data } = error as { message?: string; data?: unknown }
      return { jsonrpc: '2.0', id, error: { code: 3, message, data: dataOf(data) } }
    }
  }

  async function handle(request: IncomingMessage): Promise<unknown> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const asked: Call | Call[] = JSON.parse(Buffer.concat(parts).toString())
    return Array.isArray(asked) ? await Promise.all(asked.map(answer)) : await answer(asked)
  }

  const server = createServer((request, response) => {
    handle(request).then(
      (body) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body)),
      () => response.writeHead(500).end(),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Bytes of a revert, which nodes give as such or in an object. */
function dataOf(data: unknown): unknown {
  return typeof data === 'object' && data !== null && 'data' in data ? data.data : data
}
