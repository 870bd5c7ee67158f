import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fillSample, makeWorld, makeWorldFolder } from '../support/world.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { misbehaviour, stubTool } from '../support/stub-tools.ts'
import { assertWorld } from '../world.ts'

/** No gzip, pigz or zstd anywhere: Node's own zlib does the work. */
suite('without a program that compresses (promises 1 and 2)', () => {
  let postgres: PostgresServer
  before(async () => {
    postgres = await startPostgres()
    await fillSample(postgres, 'shop')
  })
  after(() => postgres.close())

  for (const compression of ['gzip', 'zstd'])
    test(`${compression}: a dump is compressed, proved and stored all the same`, async (t) => {
      const world = await makeWorld(t, { postgres, onlyPath: '/nowhere', global: { compression } })
      const run = await world.backup()
      assert.equal(run.fault, null)
      assert.equal(run.backup?.rows, 2_002)
      const raw = run.backup?.rawBytes
      assert.ok(raw && raw > 200_000, `${raw} bytes before compression`)
      await assertWorld(world)
    })

  test('half a dump is still a failure', async (t) => {
    const folder = await makeWorldFolder(t)
    const bin = await stubTool(folder, 'pg_dump', `PATH=/usr/bin:/bin; ${misbehaviour.halfThenExit1}`)
    const world = await makeWorld(t, { folder, postgres, onlyPath: bin })
    const run = await world.backup()
    assert.deepEqual([run.state, run.fault?.code], ['failed', 'dump-failed'])
    await assertWorld(world)
  })

  test('a stored dump with a flipped bit is found, and the service lives', async (t) => {
    const world = await makeWorld(t, { postgres, onlyPath: '/nowhere' })
    const { backup } = await world.backup()
    const { manifest } = await world.engine.backup(backup!.id, null)
    const path = join(world.storageDir, manifest.artifacts[0]!.key)
    const bytes = readFileSync(path)
    bytes[Math.floor(bytes.length / 2)]! ^= 1
    writeFileSync(path, bytes)
    const verify = await world.engine.startVerify(backup!.id, 'V2', { via: 'cli', id: 'ann' })
    const run = await world.finish(verify.id)
    assert.deepEqual([run.state, run.fault?.code], ['failed', 'object-corrupt'])
    await assertWorld(world)
  })
})
