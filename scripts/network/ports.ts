/**
 * Free ports of the loopback interface.
 *
 * @module
 */
import { createServer } from 'node:net'

/** Ports nobody listens on now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  // all are held until the last is found, so none is given out twice
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject)
          server.listen(0, '127.0.0.1', () => {
            const address = server.address()
            if (typeof address === 'object' && address !== null) resolve(address.port)
            else reject(new Error('no port was given'))
          })
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))))
  return ports
}
