import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { recover } from '../../src/engine/recover.ts'
import { endUploads } from '../../src/engine/uploads.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { until } from '../support/dam.ts'
import { everythingIn } from '../support/local.ts'
import { startS3, type S3Server } from '../support/s3/server.ts'
import { makeWorld, makeWorldFolder, openWorld, type World, type WorldOptions } from '../support/world.ts'
import { assertWorld } from '../world.ts'

/** Two places, `disk` and a bucket, and a run that was killed while its first part had arrived in the bucket. */
async function killedWhileUploading(
  t: TestContext,
): Promise<{ server: S3Server; options: WorldOptions; folder: string }> {
  const server = await startS3(t)
  const folder = await makeWorldFolder(t)
  const storageDir = join(folder, 'disk')
  await mkdir(storageDir, { recursive: true })
  const storages = {
    disk: { type: 'local', path: storageDir },
    far: { type: 's3', ...server.options({ part_size: '5MiB' }) },
  }
  const options = { folder, storageDir, global: { storages, storage: ['disk', 'far'] }, clock: systemClock }
  await (await openWorld(folder, options)).close()
  const shop = new DatabaseSync(join(folder, 'shop.db'))
  shop.exec('CREATE TABLE noise AS SELECT randomblob(12000000) AS bytes') // more than two parts
  shop.close()
  const over = server.misbehave({ on: 'UploadPart', after: 1, times: Infinity, trouble: { blackhole: true } })
  const script = join(import.meta.dirname, '../support/backup-to.ts')
  const argv = [
    '--disable-warning=ExperimentalWarning',
    script,
    folder,
    storageDir,
    JSON.stringify(options.global),
  ]
  const child = spawn(process.execPath, argv, { stdio: 'inherit' })
  const isWhole = async (): Promise<boolean> =>
    (await everythingIn(join(folder, 'temp'))).some((path) => path.endsWith('/whole.json'))
  await until(
    async () => server.openUploads().some(({ parts }) => parts > 0) && (await isWhole()),
    'it uploads',
  )
  child.kill('SIGKILL')
  await once(child, 'exit')
  over()
  return { server, options, folder }
}

const rows = (world: World): Promise<unknown[]> =>
  world.context.database.read.selectFrom('uploads').select('upload').execute()

test('a run killed in the middle of an upload goes on: the old upload is ended, the same dump is sent', async (t) => {
  const { server, options, folder } = await killedWhileUploading(t)
  const world = await makeWorld(t, options)
  const [run] = await world.engine.runs({ limit: 9 })
  assert.deepEqual([run?.state, (await rows(world)).length], ['running', 1])
  const whole = JSON.parse(await readFile(join(folder, 'temp', run!.id, 'whole.json'), 'utf8')) as {
    manifest: { id: string }
  }
  await recover(world.context)
  assert.deepEqual([server.openUploads(), await rows(world)], [[], []])
  const end = await world.finish(run!.id)
  assert.deepEqual(
    [end.state, end.backupId, end.backup?.storages],
    ['succeeded', whole.manifest.id, ['disk', 'far']],
  )
  assert.deepEqual(await rows(world), [])
  await assertWorld(world)
})

test('an upload that cannot be ended at the start is remembered, and ended at a later look', async (t) => {
  const { server, options } = await killedWhileUploading(t)
  const world = await makeWorld(t, options)
  server.deny('AbortMultipartUpload')
  await recover(world.context)
  assert.deepEqual([server.openUploads().length, (await rows(world)).length], [1, 1])
  server.allow('AbortMultipartUpload')
  await endUploads(world.context)
  assert.deepEqual([server.openUploads(), await rows(world)], [[], []])
})
