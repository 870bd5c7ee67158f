import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { markerKey } from '../../src/core/keys.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { startS3 } from '../support/s3/server.ts'
import { makeWorld, makeWorldFolder } from '../support/world.ts'

test('credentials that may only write are enough for backups, the first one and the next', async (t) => {
  const server = await startS3(t)
  server.deny('GetObject', 'HeadObject', 'ListObjectsV2', 'DeleteObject', 'HeadBucket')
  const folder = await makeWorldFolder(t)
  const storageDir = join(folder, 'unused')
  await mkdir(storageDir)
  const storages = { far: { type: 's3', ...server.options() } }
  const world = await makeWorld(t, { folder, storageDir, global: { storages }, clock: systemClock })
  for (const expected of [3, 5]) {
    const run = await world.backup()
    assert.deepEqual([run.state, run.fault], ['succeeded', null])
    assert.equal(server.objects().length, expected, 'the marker, and a dump with its manifest each time')
  }
  assert.ok(server.objects().some((key) => key.endsWith(markerKey)))
})
