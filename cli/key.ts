/**
 * Private keys from where the flags point to; never from the command line itself, which every process can read.
 *
 * @module
 */
import type { Hex } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'

import { type Key, KeystoreError, readKey } from '#runtime/keystore.ts'

import { CliError } from './errors.ts'
import type { Io } from './io.ts'

/** Where a key is: a file (with the variable that holds its password), or a variable. */
export type KeyFlags = { keyFile?: string; keyEnv?: string; passwordEnv?: string }

function fromVariable(io: Io, name: string): Hex {
  const value = io.env(name)?.trim()
  if (value === undefined) throw new CliError('cli.no-key', `the environment variable ${name} is not set`)
  if (/^0x[0-9a-f]{64}$/i.test(value)) return `0x${value.slice(2)}`
  throw new CliError('cli.no-key', `the environment variable ${name} holds no private key (0x and 64 hex digits)`)
}

async function fromFile(io: Io, file: string, passwordEnv: string | undefined): Promise<Key> {
  const password = passwordEnv === undefined ? undefined : io.env(passwordEnv)
  try {
    return await readKey({ file, ...(password === undefined ? {} : { password }) })
  } catch (error) {
    if (!(error instanceof KeystoreError)) throw error
    throw new CliError('cli.no-key', `no key from ${file}: ${error.message}`, { cause: error })
  }
}

function toKey(privateKey: Hex): Key {
  try {
    return { privateKey, address: privateKeyToAddress(privateKey) }
  } catch (error) {
    throw new CliError('cli.no-key', 'the key is not one of the curve', { cause: error })
  }
}

/**
 * The key the flags name, or null when they name none.
 *
 * @throws CliError `cli.no-key` when it cannot be had, `cli.bad-argument` when the flags name two.
 */
export async function keyFrom(io: Io, { keyFile, keyEnv, passwordEnv }: KeyFlags): Promise<Key | null> {
  if (keyFile !== undefined && keyEnv !== undefined) {
    throw new CliError('cli.bad-argument', 'a key comes from --key-file or from --key-env, not from both')
  }
  if (keyEnv !== undefined) return toKey(fromVariable(io, keyEnv))
  return keyFile === undefined ? null : await fromFile(io, keyFile, passwordEnv)
}
