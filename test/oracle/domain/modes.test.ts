import { expect } from 'chai'

import { createModes } from '#oracle/domain/modes.ts'
import { Mode } from '#protocol/types.ts'

describe('modes to settle in', () => {
  let now = 0
  const modes = (all: readonly Mode[]) => createModes(all, 1_000, () => now)

  it('are all that are offered, but for a while the one that failed', () => {
    const both = modes([Mode.Calldata, Mode.Blob])
    expect(both.now()).to.deep.equal([Mode.Calldata, Mode.Blob])
    both.failed(Mode.Blob)
    now += 999
    expect(both.now()).to.deep.equal([Mode.Calldata])
    now += 1
    expect(both.now()).to.deep.equal([Mode.Calldata, Mode.Blob])
  })

  it('are never none', () => {
    const one = modes([Mode.Blob])
    one.failed(Mode.Blob)
    expect(one.now()).to.deep.equal([Mode.Blob])
  })
})
