/**
 * The whole deployment as one Ignition module: governance, registry, committee, nets, faults, desk, settlement, openings, net proofs.
 *
 * The desk's governed functions run on the settlement's state by delegatecall, so the access manager sees the
 * settlement's address as their target. The deployer's last act is to give up its own administration: from then on the
 * timelock governs and the guardian can only pause.
 *
 * @module
 */
import { buildModule } from '@nomicfoundation/hardhat-ignition/modules'
import { getAbiItem, toFunctionSelector, zeroAddress } from 'viem'

import { committeeAbi, demandsAbi, disputesAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { Kind } from '#protocol/types.ts'

/** Roles of the access manager; 0 is its administrator. */
export const ADMIN_ROLE = 0n
export const GUARDIAN_ROLE = 1n
export const GOVERNOR_ROLE = 2n

const PAUSE = toFunctionSelector(getAbiItem({ abi: settlementAbi, name: 'pause' }))
const SET_PARAMETERS = toFunctionSelector(getAbiItem({ abi: settlementAbi, name: 'setParameters' }))
const SET_TREASURIES = toFunctionSelector(getAbiItem({ abi: settlementAbi, name: 'setTreasuries' }))
const SET_ANSWER_PRICE = toFunctionSelector(getAbiItem({ abi: demandsAbi, name: 'setPrice' }))
const SET_MOVE_PRICE = toFunctionSelector(getAbiItem({ abi: disputesAbi, name: 'setPrice' }))
const SET_REFEREE = toFunctionSelector(getAbiItem({ abi: disputesAbi, name: 'setReferee' }))
const HOLD_CASE = toFunctionSelector(getAbiItem({ abi: registryAbi, name: 'holdCase' }))
const RETURN_CASE = toFunctionSelector(getAbiItem({ abi: registryAbi, name: 'returnCase' }))
const SET_EMISSION = toFunctionSelector(getAbiItem({ abi: registryAbi, name: 'setEmission' }))
const SET_STAKING = toFunctionSelector(getAbiItem({ abi: registryAbi, name: 'setStakingParameters' }))
const SET_MEMBERS = toFunctionSelector(getAbiItem({ abi: committeeAbi, name: 'setMembers' }))

/** The settlement layer on tokens that exist; `deployTallystick` in `scripts/deploy.ts` fills its parameters in. */
export const tallystick = buildModule('Tallystick', (m) => {
  const deployer = m.getAccount(0)
  const token = m.getParameter<string>('token')
  const stakeToken = m.getParameter<string>('stakeToken')
  const guardian = m.getParameter<string>('guardian')

  const accessManager = m.contract('AccessManager', [deployer])
  const timelock = m.contract('TimelockController', [
    m.getParameter<number>('timelockDelay'),
    m.getParameter<string[]>('proposers'),
    m.getParameter<string[]>('executors'),
    zeroAddress, // no administrator besides itself
  ])
  const pools = m.contract('Pools', [accessManager, stakeToken])
  const registry = m.contract('Registry', [pools])
  const committee = m.contract('Committee', [
    accessManager,
    m.getParameter<number>('grace'),
    m.getParameter('members'),
    m.getParameter<number>('threshold'),
  ])
  const nets = m.contract('Nets', [accessManager, token, registry, committee])
  const faults = m.contract('Faults', [accessManager, token, registry, nets])
  const desk = m.contract('Desk', [accessManager, token, registry, m.getParameter<string>('permit2'), faults])
  const settlement = m.contract('Settlement', [
    desk,
    committee,
    m.getParameter('parameters'),
    m.getParameter<string>('treasury'),
    m.getParameter<string>('committeeTreasury'),
  ])
  const openings = m.contract('Openings', [settlement])
  const netProofs = m.contract('NetProofs', [settlement])
  // those that decide what is proven otherwise than in one transaction
  const oversight = m.contract('Oversight', [settlement, openings, netProofs])
  const demands = m.contract('Demands', [accessManager, settlement, openings, m.getParameter<bigint>('answerPrice')])
  const disputes = m.contract('Disputes', [accessManager, settlement, openings, m.getParameter<bigint>('movePrice')])
  const arbiterReferee = m.contract('ArbiterReferee', [disputes])
  const bisectionReferee = m.contract('BisectionReferee')
  const panels = m.contract('Panels', [accessManager, settlement, openings])
  const courts = [oversight, demands, disputes, panels]
  const bound = [m.call(registry, 'bind', [settlement, courts]), m.call(committee, 'bind', [settlement])]
  const referees = [
    m.call(disputes, 'setReferee', [Kind.Provable, bisectionReferee], { id: 'refereeProvable' }),
    m.call(disputes, 'setReferee', [Kind.Repeatable, arbiterReferee], { id: 'refereeRepeatable' }),
    m.call(disputes, 'setReferee', [Kind.Service, arbiterReferee], { id: 'refereeService' }),
  ]

  const governed = [
    m.call(accessManager, 'setTargetFunctionRole', [settlement, [PAUSE], GUARDIAN_ROLE], { id: 'guardSettlement' }),
    m.call(accessManager, 'setTargetFunctionRole', [registry, [PAUSE, HOLD_CASE], GUARDIAN_ROLE], {
      id: 'guardRegistry',
    }),
    m.call(
      accessManager,
      'setTargetFunctionRole',
      [registry, [RETURN_CASE, SET_EMISSION, SET_STAKING], GOVERNOR_ROLE],
      {
        id: 'governRegistry',
      },
    ),
    m.call(accessManager, 'setTargetFunctionRole', [settlement, [SET_PARAMETERS, SET_TREASURIES], GOVERNOR_ROLE], {
      id: 'governSettlement',
    }),
    m.call(accessManager, 'setTargetFunctionRole', [committee, [SET_MEMBERS], GOVERNOR_ROLE], {
      id: 'governCommittee',
    }),
    m.call(accessManager, 'setTargetFunctionRole', [demands, [SET_ANSWER_PRICE], GOVERNOR_ROLE], {
      id: 'governDemands',
    }),
    m.call(accessManager, 'setTargetFunctionRole', [disputes, [SET_MOVE_PRICE, SET_REFEREE], GOVERNOR_ROLE], {
      id: 'governDisputes',
      after: referees, // which the deployer may name only while it is the administrator's to do
    }),
    m.call(accessManager, 'grantRole', [GUARDIAN_ROLE, guardian, 0], { id: 'grantGuardian' }),
    m.call(accessManager, 'grantRole', [GOVERNOR_ROLE, timelock, 0], { id: 'grantGovernor' }),
  ]
  const handed = m.call(accessManager, 'grantRole', [ADMIN_ROLE, timelock, 0], {
    id: 'grantAdmin',
    after: [...bound, ...governed],
  })
  m.call(accessManager, 'renounceRole', [ADMIN_ROLE, deployer], { id: 'renounceAdmin', after: [handed] })

  return {
    ...{ accessManager, timelock, pools, registry, nets, faults, desk, committee, settlement, openings, netProofs },
    ...{ oversight, demands, disputes, arbiterReferee, bisectionReferee, panels },
  }
})
