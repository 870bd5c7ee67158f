import { after, before } from 'node:test'
import type { Storage } from '../../src/storages/storage.ts'
import { storageContract } from '../contracts/storage.ts'
import { everythingIn } from '../support/local.ts'
import { startSftp, type SftpServer } from '../support/sftp.ts'

let server: SftpServer
const folders = new WeakMap<Storage, string>()
before(async () => void (server = await startSftp()))
after(() => server.close())

storageContract({
  kind: 'sftp',
  make: async () => {
    const folder = await server.folder()
    const storage = await server.open(folder)
    folders.set(storage, folder)
    return storage
  },
  everything: (storage) => everythingIn(folders.get(storage)!),
  firstBytes: 1024 * 1024,
  namedFirst: true,
  manyObjects: 1_003,
  missing: () => server.open('/nowhere/at/all'),
})
