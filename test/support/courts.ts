/**
 * The courts of a deployment: they are named to the registry once, with everything else.
 *
 * @module
 */
import type { HardhatEthers } from '@nomicfoundation/hardhat-ethers/types'
import type { Addressable } from 'ethers'

import { Kind } from '#protocol/types.ts'

/** Settlement token base units for 1,000 bytes of an answer. */
export const PER_KILOBYTE = 1_000n
/** Settlement token base units for a move of a game. */
export const PER_MOVE = 50_000n

/** Deploys every court, and the referees of work that can be proven and of work that nobody can prove. */
export async function deployCourts(ethers: HardhatEthers, manager: Addressable, settlement: Addressable) {
  const openings = await ethers.deployContract('Openings', [settlement])
  const netProofs = await ethers.deployContract('NetProofs', [settlement])
  const oversight = await ethers.deployContract('Oversight', [settlement, openings, netProofs])
  const demands = await ethers.deployContract('Demands', [manager, settlement, openings, PER_KILOBYTE])
  const disputes = await ethers.deployContract('Disputes', [manager, settlement, openings, PER_MOVE])
  const arbiterReferee = await ethers.deployContract('ArbiterReferee', [disputes])
  for (const kind of [Kind.Repeatable, Kind.Service]) await disputes.setReferee(kind, arbiterReferee)
  const bisectionReferee = await ethers.deployContract('BisectionReferee')
  await disputes.setReferee(Kind.Provable, bisectionReferee)
  const panels = await ethers.deployContract('Panels', [manager, settlement, openings])
  return { openings, netProofs, oversight, demands, disputes, arbiterReferee, bisectionReferee, panels }
}
