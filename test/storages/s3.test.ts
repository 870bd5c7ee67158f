import { storageContract } from '../contracts/storage.ts'
import { openBucket } from '../support/s3/make.ts'
import { startS3 } from '../support/s3/server.ts'

const prefix = 'backups/shop/'

storageContract({
  kind: 's3',
  make: async (t) => {
    const server = await startS3(t, { pageKeys: 70 })
    const names = (): string[] => [...server.objects(), ...server.openUploads().map(({ key }) => key)]
    return {
      storage: openBucket(server.options),
      everything: async () =>
        names()
          .map((name) => name.slice(prefix.length))
          .toSorted(),
    }
  },
  firstBytes: 5 * 1024 * 1024,
  manyObjects: 303,
  missing: async (t) => openBucket((await startS3(t)).options, { own: { bucket: 'not-made' } }),
})
