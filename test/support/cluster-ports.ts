/**
 * Ports that stay free while the process they are for is dead.
 *
 * Systems give outgoing connections a port from 32,768 on. One from there may be taken by the time a killed process comes
 * back, so these lie below.
 *
 * @module
 */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

const LOWEST = 20_000
const HIGHEST = 32_000
const TRIES = 200

/**
 * Ports nobody listens on now, all different.
 *
 * @throws Error when there are none.
 */
export async function lastingPorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  for (let tried = 0; tried < TRIES && ports.size < count; tried++) {
    const port = randomInt(LOWEST, HIGHEST)
    if (await isFree(port)) ports.add(port)
  }
  if (ports.size < count) throw new Error(`no ${count} free ports from ${LOWEST} to ${HIGHEST}`)
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const server = createServer()
  server.once('error', () => resolve(false))
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  return promise
}
