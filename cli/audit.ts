/**
 * `tally audit`: re-derives everything a settlement ever paid from the chain alone, or from a recorded one.
 *
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises'

import type { Address } from 'viem'

import { audit } from '#auditor/audit.ts'
import { createBlobArchive } from '#auditor/blobs.ts'
import { createChainSource } from '#auditor/chain-source.ts'
import { createReExecution } from '#auditor/re-execution.ts'
import { renderReport } from '#auditor/render.ts'
import type { AuditReport } from '#auditor/report.ts'
import type { Source } from '#auditor/source.ts'
import { createRecorder, createTapeSource, parseTape } from '#auditor/tape.ts'
import { createExecutor } from '#runtime/executor.ts'
import { createKzg } from '#runtime/kzg.ts'

import { connect, reasonOf } from './chain.ts'
import { CliError, ExitCode } from './errors.ts'
import { type Io, toJson } from './io.ts'

/** Flags of `tally audit`. */
export type AuditFlags = {
  address: Address
  rpc?: string
  fromFile?: string
  saveFile?: string
  dataUrl?: readonly string[]
  archive?: readonly string[]
  reExecute?: boolean
  json?: boolean
}

async function sourceOf({ signal }: Io, { rpc, fromFile, archive }: AuditFlags): Promise<Source> {
  if ((rpc === undefined) === (fromFile === undefined)) {
    throw new CliError('cli.bad-argument', 'name either --rpc (a chain) or --from-file (a recorded one)')
  }
  if (rpc !== undefined) {
    const readBlob = createBlobArchive({ kzg: createKzg(), archives: archive ?? [], signal })
    return createChainSource({ client: connect(rpc), name: rpc, readBlob })
  }
  const file = fromFile ?? ''
  try {
    return createTapeSource(parseTape(await readFile(file, 'utf8')))
  } catch (error) {
    throw new CliError('cli.unreadable-file', `${file} cannot be used: ${reasonOf(error)}`, { cause: error })
  }
}

async function save(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text)
  } catch (error) {
    throw new CliError('cli.unwritable-file', `${file} cannot be written: ${reasonOf(error)}`, { cause: error })
  }
}

async function runAudit(io: Io, flags: AuditFlags, source: Source): Promise<AuditReport> {
  const common = { source, address: flags.address, signal: io.signal }
  if (flags.reExecute === false || flags.fromFile !== undefined) return await audit(common)
  const executor = createExecutor()
  try {
    const reExecute = createReExecution({ executor, urls: flags.dataUrl ?? [], fetch, signal: io.signal })
    return await audit({ ...common, reExecute })
  } finally {
    await executor.close()
  }
}

/** Runs `tally audit`; the exit code says whether the chain is clean. */
export async function auditCommand(io: Io, flags: AuditFlags): Promise<ExitCode> {
  const recorder = createRecorder(await sourceOf(io, flags))
  const report = await runAudit(io, flags, recorder.source)
  if (flags.saveFile !== undefined) await save(flags.saveFile, JSON.stringify(recorder.tape()))
  io.out(flags.json === true ? toJson(report) : renderReport(report))
  return report.discrepancies.length === 0 ? ExitCode.Ok : ExitCode.Discrepancies
}
