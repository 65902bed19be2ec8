/**
 * Compiles the contracts where needed, and deploys them on a running local chain.
 *
 * @module
 */
import { network } from 'hardhat'

import { type Deployment, type DeployOptions, deployTallystick } from '../deploy.ts'
import { run } from '../support/run.ts'
import { THRESHOLD } from './settings.ts'

/**
 * Compiles what changed since the last time.
 *
 * @throws Error with the compiler's words.
 */
export async function build(say: (line: string) => void): Promise<void> {
  say('compiling the contracts')
  const { code, output } = await run('hardhat', ['build', '--no-tests'], { show: false })
  if (code !== 0) throw new Error(`the contracts do not compile:\n${output}`)
}

/** Deploys everything on the chain at `rpcUrl`. */
export async function deployOn(rpcUrl: string, options: Omit<DeployOptions, 'threshold'>): Promise<Deployment> {
  const connection = await network.create({ network: 'localhost', chainType: 'l1', override: { url: rpcUrl } })
  try {
    return await deployTallystick(connection, { ...options, threshold: THRESHOLD })
  } finally {
    await connection.close()
  }
}
