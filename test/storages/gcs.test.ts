import type { Storage } from '../../src/storages/storage.ts'
import { storageContract } from '../contracts/storage.ts'
import { openStandIn } from '../support/gcs/make.ts'
import type { GcsServer } from '../support/gcs/server.ts'

const servers = new WeakMap<Storage, GcsServer>()
const prefix = 'backups/shop/'
const mib = 1024 * 1024

storageContract({
  kind: 'gcs',
  make: async (t) => {
    const { storage, server } = await openStandIn(t, { pageKeys: 70, limits: { chunkBytes: mib } })
    servers.set(storage, server)
    return storage
  },
  everything: async (storage) => {
    const server = servers.get(storage)!
    return [...server.store.objects.keys(), ...server.openUploads()]
      .map((name) => name.slice(prefix.length))
      .toSorted()
  },
  firstBytes: mib,
  sweepsNothing: true,
  manyObjects: 303,
  missing: async (t) => (await openStandIn(t, { options: { bucket: 'not-made' } })).storage,
})
