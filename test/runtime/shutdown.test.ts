import { expect } from 'chai'

import { createShutdown } from '#runtime/shutdown.ts'

import { caught } from './support/caught.ts'

describe('shutdown', () => {
  it('aborts its signal, then closes the parts, the last registered first', async () => {
    const shutdown = createShutdown()
    const closed: string[] = []
    shutdown.signal.addEventListener('abort', () => closed.push('signal'))
    shutdown.onShutdown(() => void closed.push('store'))
    shutdown.onShutdown(async () => {
      await new Promise((resolve) => setTimeout(resolve, 10))
      closed.push('server')
    })
    await shutdown.shutdown('end of test')
    expect(closed).to.deep.equal(['signal', 'server', 'store'])
    expect(shutdown.signal.reason.message).to.equal('end of test')
  })

  it('closes every part once, however often it is asked', async () => {
    const shutdown = createShutdown()
    const closed: string[] = []
    shutdown.onShutdown(() => void closed.push('part'))
    await Promise.all([shutdown.shutdown(), shutdown.shutdown()])
    await shutdown.shutdown()
    expect(closed).to.deep.equal(['part'])
  })

  it('closes the other parts when one fails or hangs, and tells which', async () => {
    const shutdown = createShutdown({ timeoutMs: 20 })
    const closed: string[] = []
    shutdown.onShutdown(() => void closed.push('part'))
    shutdown.onShutdown(() => new Promise(() => {}))
    shutdown.onShutdown(() => Promise.reject(new Error('disk gone')))
    const error = await caught(shutdown.shutdown())
    expect(error).to.include({ code: 'shutdown.failed' })
    expect(String(error.cause)).to.contain('disk gone').and.to.contain('within 20 ms')
    expect(closed).to.deep.equal(['part'])
  })

  it('forgets a part whose registration was taken back', async () => {
    const shutdown = createShutdown()
    const closed: string[] = []
    shutdown.onShutdown(() => void closed.push('part'))()
    await shutdown.shutdown()
    expect(closed).to.deep.equal([])
  })
})
