import { expect } from 'chai'

import { createHttpServer } from '#oracle/adapters/http-server.ts'
import { oracleApi } from '#oracle/adapters/routes.ts'
import { createLog } from '#runtime/log.ts'
import { brokenReferences, describedRoutes, registeredRoutes } from '../../support/routes.ts'

describe("a member's routes", () => {
  it('are all in the document, and nothing else is', async () => {
    const unused = {} as Parameters<typeof createHttpServer>[0]
    const app = createHttpServer({ ...unused, log: createLog({ name: 'test', level: 'silent' }) })
    expect(registeredRoutes(app)).to.deep.equal(describedRoutes(oracleApi))
    expect(brokenReferences(oracleApi)).to.deep.equal([])
    await app.close()
  })
})
