import { after, before } from 'node:test'
import { storageContract } from '../contracts/storage.ts'
import { startAzurite, type Azurite } from '../support/azurite.ts'

let server: Azurite
const prefix = 'backups/shop/'
const mib = 1024 * 1024

before(async () => void (server = await startAzurite()))
after(() => server.close())

storageContract({
  kind: 'azure',
  make: async () => {
    const container = await server.container()
    return {
      storage: server.open(container, { limits: { blockBytes: mib, pageKeys: 70 } }),
      everything: async () => (await server.names(container)).map((name) => name.slice(prefix.length)),
    }
  },
  firstBytes: mib,
  namedFirst: true,
  manyObjects: 203,
  missing: async () => server.open('not-made'),
})
