import { storageContract } from '../contracts/storage.ts'
import { openStandIn } from '../support/gcs/make.ts'

const prefix = 'backups/shop/'
const mib = 1024 * 1024

storageContract({
  kind: 'gcs',
  make: async (t) => {
    const { storage, server } = await openStandIn(t, { pageKeys: 70, limits: { chunkBytes: mib } })
    const names = (): string[] => [...server.store.objects.keys(), ...server.openUploads()]
    return {
      storage,
      everything: async () =>
        names()
          .map((name) => name.slice(prefix.length))
          .toSorted(),
    }
  },
  firstBytes: mib,
  sweepsNothing: true,
  manyObjects: 303,
  missing: async (t) => (await openStandIn(t, { options: { bucket: 'not-made' } })).storage,
})
