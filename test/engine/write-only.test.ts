import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hastyClock } from '../support/hasty-clock.ts'
import { startS3 } from '../support/s3/server.ts'
import { makeWorld } from '../support/world.ts'

test('with credentials that only write, a backup whose answer was lost is made again under a new name', async (t) => {
  const server = await startS3(t)
  server.deny('GetObject', 'HeadObject', 'ListObjectsV2', 'DeleteObject', 'HeadBucket')
  const world = await makeWorld(t, {
    clock: hastyClock,
    global: {
      storages: { far: { type: 's3', ...server.options() } },
      storage: ['far'],
      retry: { max_attempts: 3, delay: '1s' },
    },
  })
  server.misbehave({ on: 'PutObject', times: 1, trouble: { cutAnswerAt: 0 } })
  const end = await world.backup()
  assert.deepEqual([end.state, end.fault, end.attempt], ['succeeded', null, 2])
  const kept = server.objects().filter((key) => key.includes(end.backup!.id))
  assert.ok(
    kept.some((key) => key.endsWith('/manifest.json')),
    String(server.objects()),
  )
})
