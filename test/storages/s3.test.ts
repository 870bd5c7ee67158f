import { type TestContext } from 'node:test'
import type { Storage } from '../../src/storages/storage.ts'
import { storageContract } from '../contracts/storage.ts'
import { openBucket } from '../support/s3/make.ts'
import { startS3, type S3Options, type S3Server } from '../support/s3/server.ts'

const servers = new WeakMap<Storage, S3Server>()
const prefix = 'backups/shop/'

async function make(t: TestContext, rules: S3Options = {}): Promise<Storage> {
  const server = await startS3(t, { pageKeys: 70, ...rules })
  const storage = openBucket(server.options)
  servers.set(storage, server)
  return storage
}

async function everything(storage: Storage): Promise<string[]> {
  const server = servers.get(storage)!
  const open = server.openUploads().map(({ key }) => key)
  return [...server.objects(), ...open].map((key) => key.slice(prefix.length)).sort()
}

const partBytes = 5 * 1024 * 1024

storageContract({
  kind: 's3',
  make: (t) => make(t),
  everything,
  firstBytes: partBytes,
  manyObjects: 303,
  missing: async (t) => {
    const server = await startS3(t)
    return openBucket(server.options, { own: { bucket: 'not-made' } })
  },
})
