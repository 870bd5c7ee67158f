import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { createScrub } from '../../src/core/secret.ts'
import { fromTable } from '../../src/state/audit.ts'
import { startS3, type S3Server } from '../support/s3/server.ts'
import { makeWorld, person, type World } from '../support/world.ts'

async function inBucket(
  t: TestContext,
  more: Record<string, unknown> = {},
): Promise<{ world: World; server: S3Server }> {
  const server = await startS3(t)
  const bucket = { type: 's3', ...server.options() }
  const world = await makeWorld(t, { global: { storages: { bucket }, ...more } })
  return { world, server }
}

const ask = (backup: string) => ({ backup, strategy: null, file: null })

async function audited({
  context,
}: World): Promise<{ act: string; subject: string | null; detail: string | null }[]> {
  const rows = await context.database.read.selectFrom('audit').selectAll().execute()
  return rows.map(fromTable).map(({ act, subject, detail }) => ({ act, subject, detail }))
}

suite('a link to a backup', () => {
  test('gives its one file whole, ends in 15 minutes, and is written down without the link', async (t) => {
    const { world } = await inBucket(t)
    const { backup } = await world.backup()
    const before = world.context.clock.now()
    const link = await world.engine.download(ask(backup!.id), person)
    const bytes = Buffer.from(await (await fetch(link.url)).arrayBuffer())
    assert.equal(createHash('sha256').update(bytes).digest('hex'), link.sha256)
    assert.equal(bytes.length, link.bytes)
    assert.ok(link.file.startsWith(backup!.id) && /^[\w.-]+$/.test(link.file), link.file)
    assert.ok(link.expiresAt - before >= 15 * 60_000 && link.expiresAt - before < 16 * 60_000)
    const [row, ...others] = await audited(world)
    assert.deepEqual([others, row!.act, row!.subject], [[], 'download', backup!.id])
    assert.match(row!.detail!, /^a link to .* in bucket, until 2026-/)
    const signature = new URL(link.url).searchParams.get('X-Amz-Signature')!
    const state = readFileSync(join(world.stateDir, 'state.db'), 'latin1')
    for (const text of [state, ...world.logged]) assert.ok(!text.includes(signature))
  })

  test('is not given to what is gone or was changed in the bucket, and that leaves no entry', async (t) => {
    const { world, server } = await inBucket(t)
    const { backup } = await world.backup()
    const key = server.objects().find((one) => one.includes(backup!.id) && !one.endsWith('.json'))!
    server.overwrite(key, Buffer.from('short'))
    await assert.rejects(world.engine.download(ask(backup!.id), person), { code: 'object-corrupt' })
    server.drop(key)
    await assert.rejects(world.engine.download(ask(backup!.id), person), { code: 'object-missing' })
    assert.deepEqual(await audited(world), [])
  })

  test('of a backup in folders there is none: get on the host hands it out', async (t) => {
    const world = await makeWorld(t)
    const { backup } = await world.backup()
    await assert.rejects(world.engine.download(ask(backup!.id), person), {
      code: 'not-found',
      hint: new RegExp(`easy-backup get ${backup!.id} > file`),
    })
  })

  test('comes from the bucket when the backup is in a folder, too', async (t) => {
    const server = await startS3(t)
    const folder = (await makeWorld(t)).storageDir
    const storages = { disk: { type: 'local', path: folder }, bucket: { type: 's3', ...server.options() } }
    const world = await makeWorld(t, { global: { storages, storage: ['disk', 'bucket'] } })
    const { backup } = await world.backup()
    assert.equal((await world.engine.download(ask(backup!.id), person)).storage, 'bucket')
  })
})

test('what makes a link work is hidden in every log, whatever else is secret', () => {
  const url =
    'http://s3/b/k?X-Amz-Credential=AK&X-Amz-Signature=0123abcd&X-Amz-Security-Token=to%2Fken&x-id=GetObject'
  const hidden =
    'http://s3/b/k?X-Amz-Credential=AK&X-Amz-Signature=***&X-Amz-Security-Token=***&x-id=GetObject'
  for (const secrets of [[], ['a-password']]) assert.equal(createScrub(secrets)(url), hidden)
})
