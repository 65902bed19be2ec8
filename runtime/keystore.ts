/**
 * Private keys at rest: Web3 Secret Storage version 3 files (as written by geth and ethers), or a plain 0x-hex file that
 * only its owner may read, for local networks.
 *
 * @module
 */
import { createCipheriv, createDecipheriv, pbkdf2, randomBytes, randomUUID, scrypt, timingSafeEqual } from 'node:crypto'
import { open, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'

import { type Address, bytesToHex, type Hex, hexToBytes, keccak256 } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { z } from 'zod'

import { TallyError } from '#protocol/errors.ts'

/** A key and the address that follows from it. */
export type Key = { readonly address: Address; readonly privateKey: Hex }

/**
 * Thrown when a key cannot be had: `keystore.unreadable`, `keystore.permissions`, `keystore.malformed`,
 * `keystore.password-missing` or `keystore.password-wrong`.
 */
export class KeystoreError extends TallyError {
  override readonly name = 'KeystoreError'

  constructor(code: `keystore.${string}`, problem: { readonly detail: string; readonly cause?: unknown }) {
    super(code, problem.detail, { cause: problem.cause })
  }
}

const hexBytes = z.string().regex(/^([0-9a-f]{2})+$/i)
const scryptParams = z.object({
  n: z.number().int().min(2).max(1_048_576),
  r: z.number().int().min(1).max(32),
  p: z.number().int().min(1).max(16),
  dklen: z.literal(32),
  salt: hexBytes,
})
const pbkdf2Params = z.object({
  c: z.number().int().min(1).max(10_000_000),
  prf: z.literal('hmac-sha256'),
  dklen: z.literal(32),
  salt: hexBytes,
})
const keyDerivation = z.discriminatedUnion('kdf', [
  z.object({ kdf: z.literal('scrypt'), kdfparams: scryptParams }),
  z.object({ kdf: z.literal('pbkdf2'), kdfparams: pbkdf2Params }),
])
const keystoreFile = z.object({
  version: z.literal(3),
  crypto: z
    .object({
      cipher: z.literal('aes-128-ctr'),
      ciphertext: z.string().regex(/^[0-9a-f]{64}$/i),
      cipherparams: z.object({ iv: z.string().regex(/^[0-9a-f]{32}$/i) }),
      mac: z.string().regex(/^[0-9a-f]{64}$/i),
    })
    .and(keyDerivation),
})
type KeyDerivation = z.infer<typeof keyDerivation>

/**
 * Reads a key from a file.
 *
 * @param options - `password` is needed for an encrypted file and ignored for a plain one.
 * @throws KeystoreError when the file is missing, readable by others, malformed, or the password is not its password.
 */
export async function readKey(options: { readonly file: string; readonly password?: string }): Promise<Key> {
  const text = (await readPrivateFile(options.file)).trim()
  if (/^0x[0-9a-f]{64}$/i.test(text)) return toKey(text.toLowerCase() as Hex)
  if (options.password === undefined)
    throw new KeystoreError('keystore.password-missing', { detail: 'the file is encrypted' })
  return decryptKey(text, options.password)
}

/** Writes `privateKey` in the clear to a new file only its owner may read: for local networks only. */
export async function writePlainKey(file: string, privateKey: Hex): Promise<Key> {
  const key = toKey(privateKey)
  await writeFile(file, `${privateKey}\n`, { mode: 0o600, flag: 'wx' })
  return key
}

/** Encrypts `privateKey` into the text of a version 3 keystore file (scrypt, n = 2¹⁷ unless given). */
export async function encryptKey(privateKey: Hex, password: string, n = 131_072): Promise<string> {
  const { address } = toKey(privateKey)
  const params = { n, r: 8, p: 1, dklen: 32 as const, salt: randomBytes(32).toString('hex') }
  const derived = await derive({ kdf: 'scrypt', kdfparams: params }, password)
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv)
  const ciphertext = Buffer.concat([cipher.update(hexToBytes(privateKey)), cipher.final()])
  return JSON.stringify({
    version: 3,
    id: randomUUID(),
    address: address.slice(2).toLowerCase(),
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: iv.toString('hex') },
      ciphertext: ciphertext.toString('hex'),
      kdf: 'scrypt',
      kdfparams: params,
      mac: macOf(derived, ciphertext).toString('hex'),
    },
  })
}

/**
 * Decrypts the text of a version 3 keystore file.
 *
 * @throws KeystoreError when it is malformed or the password is wrong.
 */
export async function decryptKey(text: string, password: string): Promise<Key> {
  const { crypto } = parseFile(text)
  const derived = await derive(crypto, password)
  const ciphertext = Buffer.from(crypto.ciphertext, 'hex')
  if (!timingSafeEqual(macOf(derived, ciphertext), Buffer.from(crypto.mac, 'hex'))) {
    throw new KeystoreError('keystore.password-wrong', { detail: 'the password does not open the file' })
  }
  const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), Buffer.from(crypto.cipherparams.iv, 'hex'))
  return toKey(bytesToHex(Buffer.concat([decipher.update(ciphertext), decipher.final()])))
}

async function readPrivateFile(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r')
    try {
      const { mode, size } = await handle.stat()
      if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
        throw new KeystoreError('keystore.permissions', { detail: `${file} can be read by others: chmod 600` })
      }
      if (size > 65_536) throw new KeystoreError('keystore.malformed', { detail: `${file} is too long for a key` })
      return await handle.readFile('utf8')
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof KeystoreError) throw error
    throw new KeystoreError('keystore.unreadable', { detail: `${file} cannot be read`, cause: error })
  }
}

function parseFile(text: string): z.infer<typeof keystoreFile> {
  try {
    const json: Record<string, unknown> = JSON.parse(text)
    // ethers before version 6 wrote "Crypto"
    return keystoreFile.parse({ ...json, crypto: json.crypto ?? json.Crypto })
  } catch (error) {
    throw new KeystoreError('keystore.malformed', {
      detail: 'neither a key nor a version 3 keystore file',
      cause: error,
    })
  }
}

async function derive(from: KeyDerivation, password: string): Promise<Buffer> {
  const salt = Buffer.from(from.kdfparams.salt, 'hex')
  const secret = Buffer.from(password.normalize('NFKC'), 'utf8')
  if (from.kdf === 'pbkdf2') return promisify(pbkdf2)(secret, salt, from.kdfparams.c, 32, 'sha256')
  const { n, r, p } = from.kdfparams
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, 32, { N: n, r, p, maxmem: 256 * n * r + 1_048_576 }, (error, key) => {
      if (error === null) resolve(key)
      else reject(new KeystoreError('keystore.malformed', { detail: error.message, cause: error }))
    })
  })
}

function macOf(derived: Buffer, ciphertext: Buffer): Buffer {
  return Buffer.from(keccak256(Buffer.concat([derived.subarray(16, 32), ciphertext]), 'bytes'))
}

function toKey(privateKey: Hex): Key {
  try {
    return { address: privateKeyToAddress(privateKey), privateKey }
  } catch (error) {
    throw new KeystoreError('keystore.malformed', { detail: 'not a secp256k1 private key', cause: error })
  }
}
