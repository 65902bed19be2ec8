/**
 * `npm start`: the main job to its end on a fresh local chain. Buyers pay into escrow, providers join and offer, orders are
 * worked off, receipts settle in all three lanes, windows pass, everybody is paid, and an auditor re-derives all of it.
 *
 * With `--json` standard output is one line, the verdict; everything else goes to standard error. `--state` names another
 * folder than `.tally` for keys, stores and logs. Exit code 0 only if the audit is clean.
 *
 * @module
 */
import { parseArgs } from 'node:util'

import { createExecutor } from '#runtime/executor.ts'

import { readAccounts } from './network/accounts.ts'
import { auditNetwork } from './network/auditing.ts'
import { closeDeals, passWindows, payOut, stopDeals, takeStakeOut } from './network/closing.ts'
import { untilAborted } from './network/interruption.ts'
import { type LocalNetwork, startLocalNetwork, writeNetworkFile } from './network/local-network.ts'
import { type Deal, deposit, openDeal, publishOffers } from './network/market.ts'
import { claimPlace } from './network/place.ts'
import { DEALS } from './network/plan.ts'
import { collectFindings } from './network/results.ts'
import { createScreen, renderFindings, renderVerdict, type Screen } from './network/show.ts'
import { judge } from './network/verdict.ts'
import { shareTasks, uploadPrograms } from './network/work-orders.ts'
import { workOff } from './network/working.ts'

type Run = { readonly network: LocalNetwork; readonly screen: Screen; readonly signal: AbortSignal }

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false }, state: { type: 'string' } } })
const out = values.json ? process.stderr : process.stdout
const controller = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort(new Error(signal)))

/** Every buyer deposits and opens its deals; who has only one does both in one transaction. */
async function openDeals(network: LocalNetwork): Promise<Deal[]> {
  const opened = await Promise.all(
    network.buyers.map(async (buyer) => {
      const plans = DEALS.filter((plan) => plan.buyer === buyer.name)
      const withPermit = plans.length === 1
      if (!withPermit)
        await deposit(
          network,
          buyer,
          plans.reduce((sum, { budget }) => sum + budget, 0n),
        )
      const deals: Deal[] = []
      for (const plan of plans) deals.push(await openDeal(network, plan, buyer, { withPermit }))
      return deals
    }),
  )
  return opened.flat().sort((left, right) => DEALS.indexOf(left.plan) - DEALS.indexOf(right.plan))
}

async function play({ network, screen, signal }: Run): Promise<boolean> {
  const executor = createExecutor()
  try {
    screen.say('providers sign offers, buyers deposit and open deals')
    await Promise.all([publishOffers(network), uploadPrograms(network)])
    const deals = await openDeals(network)
    const works = shareTasks(deals)
    const onProgress = ({ deal }: { deal: Deal }, settled: number) =>
      screen.progress(
        `deal ${deal.id}, ${deal.plan.lane}, ${deal.plan.job.name}: receipts settled`,
        settled,
        deal.plan.tasks,
      )
    screen.say('workers run the orders, receipts settle')
    await Promise.all(works.map((work) => workOff(network, work, { executor, onProgress, signal })))
    screen.endPart()
    const findings = await collectFindings(network, works)

    screen.say('buyers stop their deals, three days of windows pass')
    await stopDeals(network, deals)
    await passWindows(network, (share) => screen.progress('windows passed, percent', Math.floor(share * 100), 100))
    screen.endPart()
    screen.say('deals close, everybody takes out what is theirs')
    await closeDeals(network, deals)
    await payOut(network)
    screen.say('providers thaw their stake, wait a week and take it out')
    await takeStakeOut(network, (share) => screen.progress('thaw passed, percent', Math.floor(share * 100), 100))
    screen.endPart()

    screen.say('the auditor re-derives every receipt from the chain')
    const report = await auditNetwork(network, {
      ...{ executor, signal },
      onProgress: (block, head) => screen.progress('blocks audited', block, head),
    })
    screen.endPart()
    const accounts = await readAccounts(network)
    const verdict = judge(network, accounts, report, findings)
    out.write(`\n${renderFindings(findings)}\n${renderVerdict(network, accounts, report, verdict)}\n`)
    if (values.json) process.stdout.write(`${JSON.stringify(verdict)}\n`)
    return verdict.ok
  } finally {
    await executor.close()
  }
}

async function main(): Promise<number> {
  const { signal } = controller
  const screen = createScreen(out)
  const place = claimPlace(values.state)
  try {
    const say = (line: string) => screen.say(line)
    const network = await startLocalNetwork({ ...place, say, signal })
    try {
      await writeNetworkFile(place.file, network, place.folder)
      return (await untilAborted(play({ network, screen, signal }), signal)) ? 0 : 1
    } finally {
      screen.endPart()
      await network.stop()
    }
  } finally {
    place.release()
  }
}

let code = 1
try {
  code = await main()
} catch (error) {
  const isAsked = controller.signal.aborted
  console.error(isAsked ? 'interrupted' : error)
  code = isAsked ? 130 : 1
}
process.exit(code)
