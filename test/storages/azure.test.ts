import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { after, before } from 'node:test'
import type { Storage } from '../../src/storages/storage.ts'
import { storageContract } from '../contracts/storage.ts'
import { startAzurite, type Azurite } from '../support/azurite.ts'

let server: Azurite
const containers = new WeakMap<Storage, string>()
const prefix = 'backups/shop/'
const mib = 1024 * 1024

before(async () => void (server = await startAzurite()))
after(() => server.close())

/** Blobs, and what only has blocks. */
async function everything(storage: Storage): Promise<string[]> {
  const credential = new StorageSharedKeyCredential(server.account, server.accountKey)
  const service = new BlobServiceClient(server.endpoint, credential)
  const client = service.getContainerClient(containers.get(storage)!)
  const keys: string[] = []
  for await (const { name } of client.listBlobsFlat({ includeUncommitedBlobs: true }))
    keys.push(name.slice(prefix.length))
  return keys.toSorted()
}

storageContract({
  kind: 'azure',
  make: async () => {
    const container = await server.container()
    const storage = server.open(container, { limits: { blockBytes: mib, pageKeys: 70 } })
    containers.set(storage, container)
    return storage
  },
  everything,
  firstBytes: mib,
  namedFirst: true,
  manyObjects: 203,
  missing: async () => server.open('not-made'),
})
