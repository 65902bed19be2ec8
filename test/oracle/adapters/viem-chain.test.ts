import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'

import { expect } from 'chai'
import { zeroAddress } from 'viem'

import { createViemChain } from '#oracle/adapters/viem-chain.ts'
import type { Chain } from '#oracle/ports.ts'
import { createChainClient } from '#runtime/chain-client.ts'
import { createKzg } from '#runtime/kzg.ts'

describe('what sending a transaction came to', () => {
  let server: Server
  let chain: Chain
  let behave: (response: ServerResponse) => void

  before(async () => {
    server = createServer((_request, response) => behave(response)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port was given')
    const client = createChainClient({ url: `http://127.0.0.1:${address.port}`, timeoutMs: 500, retries: 0 })
    const deployment = { settlement: zeroAddress, registry: zeroAddress, committee: zeroAddress }
    chain = createViemChain({ client, deployment, startBlock: 0n, kzg: createKzg() })
  })

  after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })

  const answers = (body: Record<string, unknown>) => (response: ServerResponse) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }))
  }
  const fails = (message: string) => answers({ error: { code: -32_000, message } })

  for (const [message, meaning] of [
    ['already known', 'known'],
    ['transaction already imported', 'known'],
    ['nonce too low: next nonce 5, tx nonce 4', 'nonce-low'],
    ['replacement transaction underpriced', 'underpriced'],
    ['transaction underpriced', 'underpriced'],
    ['max fee per gas less than block base fee', 'underpriced'],
    ['max fee per blob gas less than block blob gas fee', 'underpriced'],
    ['insufficient funds for gas * price + value', 'refused'],
  ] as const) {
    it(`"${message}" is ${meaning}`, async () => {
      behave = fails(message)
      expect(await chain.broadcast('0x02f8', [])).to.equal(meaning)
    })
  }

  for (const [what, does] of [
    ['a connection that breaks', (response: ServerResponse) => void response.destroy()],
    ['a node that never answers', () => {}],
    ['a gateway without a node behind it', (response: ServerResponse) => void response.writeHead(502).end()],
  ] as const) {
    it(`${what} is no refusal: it may have been sent or not`, async () => {
      behave = does
      const error: unknown = await chain.broadcast('0x02f8', []).catch((caught: unknown) => caught)
      expect(error).to.include({ code: 'chain.unreachable', retryable: true })
    })
  }
})
