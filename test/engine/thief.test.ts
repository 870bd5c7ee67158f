import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { filesIn, makeKey, readable, restore, toRecipients, verify } from '../support/encrypted.ts'
import { startPostgres } from '../support/postgres.ts'
import { severalPlaces } from '../support/places.ts'
import { makeWorld, makeWorldFolder, person } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const rows = 98_713
const total = rows + 7 // totals may be known, the rows of a table may not
const secrets = [/canary_table/, /canary_column/, /canary-row/, /\b98713\b/]

suite('who copies the host’s disk (state, spool, storage)', async () => {
  const server = await startPostgres()

  for (const compression of ['none', 'zstd'])
    test(`reads nothing of the data when there are only recipients: compression ${compression}`, async (t) => {
      const name = `thief_${compression}`
      await server.createDatabase(name)
      await server.query(
        `CREATE TABLE canary_table (canary_column int PRIMARY KEY, text text);
         INSERT INTO canary_table SELECT n, 'canary-row ' || n FROM generate_series(1, ${rows}) n;
         CREATE TABLE canary_table_few (id int); INSERT INTO canary_table_few SELECT generate_series(1, 7);
         CREATE TABLE canary_table_log (id int); INSERT INTO canary_table_log VALUES (1)`,
        name,
      )
      const folder = await makeWorldFolder(t)
      const key = makeKey(folder, 'elsewhere')
      const places = severalPlaces(folder, ['disk'], { encryption: toRecipients(key), compression })
      await mkdir(places.dir('disk'))
      const world = await makeWorld(t, {
        ...places.options,
        postgres: server,
        strategies: { [name]: { options: { exclude_table_data: ['public.canary_table_log'] } } },
      })
      const run = await world.backup(name)
      assert.deepEqual(
        [run.state, run.backup?.rows, run.backup?.level],
        ['succeeded', total, 'V2'],
        run.fault?.text ?? '',
      )
      assert.equal((await verify(world, run.backup!.id)).verify?.level, 'V1')
      await assert.rejects(restore(world, { backup: run.backup!.id }), { code: 'key-missing' })

      // the place goes away: the next dump stays in temp_dir, for Retry
      places.away.add('disk')
      const kept = await world.backup(name)
      assert.notEqual(kept.kept, null, kept.fault?.text ?? '')
      assert.ok(filesIn(world.tempDir).some((file) => file.endsWith('spool-details')))
      await world.deliver()

      const folders = [world.stateDir, world.tempDir, world.storageDir]
      assert.deepEqual(readable(folders, secrets), [])
      assert.deepEqual(readable([folder], [/AGE-SECRET-KEY/]), [`${key.file}: ${/AGE-SECRET-KEY/}`])

      // the search finds them where they can be read, and the key reads all of them
      const stored = filesIn(world.storageDir).find((file) => /details[a-z.]*\.age$/.test(file))!
      const plain = execFileSync('age', ['-d', '-i', key.file], { input: readFileSync(stored) })
      const details = compression === 'zstd' ? zstdDecompressSync(plain).toString() : plain.toString()
      assert.ok(secrets.filter((secret) => secret.test(details)).length >= 2, details)

      // Retry sends what is there, and needs no key either
      places.away.clear()
      const { id } = await world.engine.startBackup(name, { trigger: 'retry', actor: person })
      const sent = await world.finish(id)
      assert.deepEqual([sent.state, sent.backup?.rows], ['succeeded', total], sent.fault?.text ?? '')
      assert.equal((await verify(world, sent.backup!.id, key.file)).verify?.rows, total)
      await world.deliver()
      await assertWorld(world)
    })

  test('finds rows and names where nothing is encrypted', async (t) => {
    const world = await makeWorld(t, {
      postgres: server,
      strategies: { thief_zstd: {} },
      global: { compression: 'zstd' },
    })
    await world.backup()
    const found = readable([world.storageDir], secrets).join('\n')
    for (const secret of secrets) assert.ok(found.includes(String(secret)), String(secret))
  })
})
