import { after, before } from 'node:test'
import { storageContract } from '../contracts/storage.ts'
import { everythingIn } from '../support/local.ts'
import { startSftp, type SftpServer } from '../support/sftp.ts'

let server: SftpServer
before(async () => void (server = await startSftp()))
after(() => server.close())

storageContract({
  kind: 'sftp',
  make: async () => {
    const folder = await server.folder()
    return { storage: await server.open(folder), everything: () => everythingIn(folder) }
  },
  firstBytes: 1024 * 1024,
  namedFirst: true,
  manyObjects: 1_003,
  missing: () => server.open('/nowhere/at/all'),
})
