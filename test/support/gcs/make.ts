import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { silentLog } from '../../../src/core/log.ts'
import { createBucket, usualLimits, type Limits } from '../../../src/storages/gcs/client.ts'
import { openGcs } from '../../../src/storages/gcs/index.ts'
import { settingsOf } from '../../../src/storages/gcs/options.ts'
import type { Storage } from '../../../src/storages/storage.ts'
import { hastyClock } from '../hasty-clock.ts'
import { makeFolder } from '../local.ts'
import { startGcs, type GcsServer } from './server.ts'

export interface Opened {
  server: GcsServer
  storage: Storage
  options: Record<string, unknown>
}

/** The `gcs` driver on a stand-in of its own, with a key file; both end with the test. */
export async function openStandIn(
  t: TestContext,
  own: { options?: Record<string, unknown>; limits?: Partial<Limits>; pageKeys?: number } = {},
): Promise<Opened> {
  const server = await startGcs(own.pageKeys === undefined ? {} : { pageKeys: own.pageKeys })
  t.after(() => server.close())
  const keyFile = join(await makeFolder(t), 'key.json')
  await writeFile(keyFile, JSON.stringify(server.keyFile()), { mode: 0o600 })
  const { endpoint, bucket } = server
  const options = { bucket, endpoint, base_path: 'backups/shop', key_file: keyFile, ...own.options }
  const limits = { ...usualLimits, ...own.limits }
  const place = createBucket(settingsOf(options), { clock: hastyClock, log: silentLog }, limits)
  return { server, storage: openGcs('gcs', place), options }
}
