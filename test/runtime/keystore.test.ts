import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import { decryptKeystoreJson, encryptKeystoreJson } from 'ethers'
import type { Hex } from 'viem'

import { addressOf } from '#protocol/signature.ts'
import { decryptKey, encryptKey, readKey, writePlainKey } from '#runtime/keystore.ts'

import { caught } from './support/caught.ts'

const privateKey: Hex = `0x${'3c'.repeat(32)}`
const key = { address: addressOf(privateKey), privateKey }
/** The pbkdf2 vector of the Web3 Secret Storage definition. */
const published = `{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
  "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2",
  "kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
  "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}`

describe('keystore', function () {
  this.timeout(20_000)
  let folder: string
  const file = (name: string) => join(folder, name)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tally-keystore-'))
  })
  after(() => rm(folder, { recursive: true }))

  it('reads back what it encrypted, and shows the key nowhere in the file', async () => {
    const text = await encryptKey(privateKey, 'correct horse', 4_096)
    expect(text).not.to.contain('3c3c3c3c')
    expect(await decryptKey(text, 'correct horse')).to.deep.equal(key)
  })

  it('reads files of other wallets, and they read its files', async () => {
    const options = { scrypt: { N: 4_096 } }
    const foreign = await encryptKeystoreJson({ address: key.address, privateKey }, 'pässword', options)
    expect(await decryptKey(foreign, 'pässword')).to.deep.equal(key)
    const own = await decryptKeystoreJson(await encryptKey(privateKey, 'pässword', 4_096), 'pässword')
    expect(own.privateKey).to.equal(privateKey)
  })

  it('reads the published vector', async () => {
    expect((await decryptKey(published, 'testpassword')).privateKey).to.equal(
      '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d',
    )
  })

  it('refuses a wrong password, and a file that was tampered with', async () => {
    const text = await encryptKey(privateKey, 'right', 4_096)
    expect(await caught(decryptKey(text, 'wrong'))).to.include({ code: 'keystore.password-wrong' })
    const tampered = text.replace(/"ciphertext":"../, '"ciphertext":"00')
    expect(await caught(decryptKey(tampered, 'right'))).to.include({ code: 'keystore.password-wrong' })
    for (const bad of [
      '',
      '{}',
      'null',
      text.replace('"version":3', '"version":1'),
      text.replace('"n":4096', '"n":1099511627776'),
    ]) {
      expect(await caught(decryptKey(bad, 'right'))).to.include({ code: 'keystore.malformed' })
    }
  })

  it('reads encrypted and plain files only their owner may read', async () => {
    await writeFile(file('encrypted'), await encryptKey(privateKey, 'right', 4_096), { mode: 0o600 })
    expect(await readKey({ file: file('encrypted'), password: 'right' })).to.deep.equal(key)
    expect(await caught(readKey({ file: file('encrypted') }))).to.include({ code: 'keystore.password-missing' })

    expect(await writePlainKey(file('plain'), privateKey)).to.deep.equal(key)
    expect((await stat(file('plain'))).mode & 0o777).to.equal(0o600)
    expect(await readKey({ file: file('plain') })).to.deep.equal(key)
    expect(await caught(writePlainKey(file('plain'), privateKey))).to.include({ code: 'EEXIST' })
  })

  it('refuses files others may read, missing files and keys that are none', async () => {
    await writePlainKey(file('open'), privateKey)
    await chmod(file('open'), 0o644)
    expect(await caught(readKey({ file: file('open') }))).to.include({ code: 'keystore.permissions' })
    expect(await caught(readKey({ file: file('missing') }))).to.include({ code: 'keystore.unreadable' })
    await writeFile(file('zero'), `0x${'00'.repeat(32)}`, { mode: 0o600 })
    expect(await caught(readKey({ file: file('zero') }))).to.include({ code: 'keystore.malformed' })
  })
})
