/**
 * Flags as typed values; a bad one is refused with one sentence that names it.
 *
 * @module
 */
import { type Address, isAddress } from 'viem'

import { CliError } from './errors.ts'

const MAX_AMOUNT = 2n ** 64n - 1n
const MAX_ID = 2 ** 32 - 1
const FIRST_WORKER = 512
const MAX_WORKER = 2 ** 40 - 1

function refuse(flag: string, value: string, wanted: string): never {
  throw new CliError('cli.bad-argument', `${flag} is ${value === '' ? 'empty' : `"${value}"`}, wanted is ${wanted}`)
}

/** An address, in any case but a wrong checksum. @throws CliError `cli.bad-argument`. */
export function parseAddress(flag: string): (value: string) => Address {
  return (value) => (isAddress(value) ? value : refuse(flag, value, 'an address of 20 bytes in hex'))
}

/** An http(s) URL. @throws CliError `cli.bad-argument`. */
export function parseUrl(flag: string): (value: string) => string {
  return (value) => {
    const url = URL.canParse(value) ? new URL(value) : null
    return url !== null && /^https?:$/.test(url.protocol) ? value : refuse(flag, value, 'an http or https URL')
  }
}

/** A positive amount of base units, or `all`. @throws CliError `cli.bad-argument`. */
export function parseAmount(flag: string): (value: string) => bigint | 'all' {
  return (value) => {
    if (value === 'all') return value
    const amount = /^[0-9]{1,20}$/.test(value) ? BigInt(value) : 0n
    return amount > 0n && amount <= MAX_AMOUNT
      ? amount
      : refuse(flag, value, 'a positive number of base units or "all"')
  }
}

function parseWhole(flag: string, value: string, range: { min: number; max: number }): number {
  const number = /^[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN
  const fits = number >= range.min && number <= range.max
  return fits ? number : refuse(flag, value, `a whole number from ${range.min} to ${range.max}`)
}

/** Id of a provider or deal, from 1. @throws CliError `cli.bad-argument`. */
export function parseId(flag: string): (value: string) => number {
  return (value) => parseWhole(flag, value, { min: 1, max: MAX_ID })
}

/** A whole number of something. @throws CliError `cli.bad-argument`. */
export function parseCount(flag: string, min: number, max: number): (value: string) => number {
  return (value) => parseWhole(flag, value, { min, max })
}

/** Index of a worker in the registry. @throws CliError `cli.bad-argument`. */
export function parseWorker(flag: string): (value: string) => number {
  return (value) => parseWhole(flag, value, { min: FIRST_WORKER, max: MAX_WORKER })
}

/** Name of an environment variable. @throws CliError `cli.bad-argument`. */
export function parseVariable(flag: string): (value: string) => string {
  return (value) =>
    /^[A-Za-z_][A-Za-z0-9_]*$/.test(value) ? value : refuse(flag, '(not shown)', 'the name of an environment variable')
}
