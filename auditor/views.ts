/**
 * Typed view calls through a source, as of a block.
 *
 * @module
 */
import {
  type Abi,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type DecodeFunctionResultReturnType,
  decodeFunctionResult,
  type EncodeFunctionDataParameters,
  encodeFunctionData,
} from 'viem'

import { AuditError } from './errors.ts'
import type { Source } from './source.ts'

/** One view call. */
export type View<abi extends Abi, name extends ContractFunctionName<abi, 'view' | 'pure'>> = {
  abi: abi
  address: Address
  functionName: name
  args: ContractFunctionArgs<abi, 'view' | 'pure', name>
}

/**
 * Answer of a view call after `block`.
 *
 * @throws AuditError `chain.no-answer` when it reverts: a contract of this kind answers all its views.
 */
export async function readView<const abi extends Abi, name extends ContractFunctionName<abi, 'view' | 'pure'>>(
  source: Source,
  view: View<abi, name>,
  block: number,
): Promise<DecodeFunctionResultReturnType<abi, name>> {
  const { abi, address, functionName, args } = view
  const data = encodeFunctionData({ abi, functionName, args } as unknown as EncodeFunctionDataParameters)
  const answer = await source.call(address, data, block)
  if (answer === null || answer === '0x') {
    throw new AuditError('chain.no-answer', `${address} does not answer ${functionName} at block ${block}`)
  }
  const decoded: unknown = decodeFunctionResult({ abi: abi as Abi, functionName: functionName as string, data: answer })
  return decoded as DecodeFunctionResultReturnType<abi, name>
}
