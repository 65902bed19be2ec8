/**
 * What every block's end is held against: clock, tokens, fees, parameters and the committee.
 *
 * @module
 */
import { parseAbi } from 'viem'

import { committeeAbi, settlementAbi } from '#protocol/abi.generated.ts'

import { clockAt, startedClock } from './clock.ts'
import { epochWords } from './committee-events.ts'
import { type Comparison, pair, type Scope } from './comparison.ts'
import { addressKey, type State } from './state.ts'
import { readView } from './views.ts'

const tokenAbi = parseAbi(['function balanceOf(address account) view returns (uint256)'])

async function readHead({ contracts, source, block }: Scope) {
  const call = { abi: settlementAbi, address: contracts.settlement, args: [] } as const
  const tokens = { abi: tokenAbi, address: contracts.token } as const
  const [clock, fees, disputed, pausedUntil, parameters, treasuries, epochs, balance, epoch] = await Promise.all([
    readView(source, { ...call, functionName: 'clock' }, block),
    readView(source, { ...call, functionName: 'fees' }, block),
    readView(source, { ...call, functionName: 'disputed' }, block),
    readView(source, { ...call, functionName: 'pausedUntil' }, block),
    readView(source, { ...call, functionName: 'parameters' }, block),
    readView(source, { ...call, functionName: 'treasuries' }, block),
    readView(source, { ...call, functionName: 'epochs' }, block),
    readView(source, { ...tokens, functionName: 'balanceOf', args: [contracts.settlement] }, block),
    readView(
      source,
      { abi: committeeAbi, address: contracts.committee, functionName: 'currentEpoch', args: [] },
      block,
    ),
  ])
  return { clock, fees, disputed, pausedUntil, parameters, treasuries, epochs, balance, epoch }
}

/** The epochs that attest, in the committee and in the settlement, which hears of none before it is bound. */
function compareEpochs(state: State, epoch: number, [current, last]: readonly [bigint, bigint]): Comparison[] {
  // binding leaves no event: the first epoch the settlement knows is the one that it was bound in
  if (state.firstTold === 0 && current !== 0n) state.firstTold = state.currentEpoch
  const ours = epochWords(state)
  return [
    pair('attestation', 'the committee epoch', state.currentEpoch, epoch),
    pair('attestation', 'the epoch that the settlement lets attest', ours.current, current),
    pair('attestation', 'the epoch before, as the settlement has it', ours.last, last),
  ]
}

/** Clock, tokens, fees, parameters and epochs. */
export async function inspectHead(scope: Scope): Promise<Comparison[]> {
  const { state, timestamp } = scope
  const { clock, fees, disputed, pausedUntil, parameters, treasuries, epochs, balance, epoch } = await readHead(scope)
  const parameter = (name: keyof typeof parameters): Comparison =>
    pair('parameters', `the parameter ${name}`, state.parameters[name], parameters[name])
  return [
    pair('clock', 'the protocol clock', clockAt(state, timestamp), clock, () => {
      state.clock = startedClock(clock, timestamp)
    }),
    pair('solvency', 'whether tokens cover what came in and did not leave', true, balance >= state.held),
    pair('fee', 'the protocol fees', state.fees.protocol, fees[0], () => {
      state.fees.protocol = fees[0]
    }),
    pair('fee', 'the committee fees', state.fees.committee, fees[1], () => {
      state.fees.committee = fees[1]
    }),
    pair('solvency', 'the money in disputes', state.disputed, disputed, () => {
      state.disputed = disputed
    }),
    pair('parameters', 'the pause', state.pausedUntil, pausedUntil),
    ...(Object.keys(parameters) as (keyof typeof parameters)[]).map(parameter),
    pair('parameters', 'the treasury', state.treasuries.protocol, addressKey(treasuries[0])),
    pair('parameters', 'the committee treasury', state.treasuries.committee, addressKey(treasuries[1])),
    ...compareEpochs(state, epoch, epochs),
  ]
}
