import { expect } from 'chai'

import { createLog } from '#runtime/log.ts'

describe('log', () => {
  const key = `0x${'5e'.repeat(32)}`

  function logged(write: (log: ReturnType<typeof createLog>) => void, level = 'info'): string {
    const lines: string[] = []
    write(createLog({ name: 'worker', level, destination: { write: (line) => void lines.push(line) } }))
    return lines.join('')
  }

  it('writes one JSON line with name, level, time and fields', () => {
    const entry = JSON.parse(logged((log) => log.info({ units: '12' }, 'task done')))
    expect(entry).to.include({ name: 'worker', level: 'info', msg: 'task done', units: '12' })
    expect(new Date(entry.time).getTime()).to.be.closeTo(Date.now(), 60_000)
  })

  it('never shows keys and passwords, down to the third level', () => {
    const line = logged((log) => {
      log.info({ privateKey: key, config: { password: key }, deal: { buyer: { orderKey: key } } }, 'started')
      log.child({ secret: key }).info('more')
    })
    expect(line).to.contain('[redacted]').and.not.to.contain(key)
  })

  it('says nothing below its level', () => {
    expect(logged((log) => log.debug('detail'))).to.equal('')
    expect(logged((log) => log.debug('detail'), 'debug')).to.contain('detail')
  })

  it('keeps the stack and code of errors', () => {
    const error = Object.assign(new Error('refused'), { code: 'wire.invalid' })
    const { err } = JSON.parse(logged((log) => log.warn({ err: error }, 'bad request')))
    expect(err).to.include({ message: 'refused', code: 'wire.invalid' })
    expect(err.stack).to.contain('log.test.ts')
  })
})
