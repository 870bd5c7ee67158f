import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { BackupView } from '../../src/core/model.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { makeOld } from '../support/old-backups.ts'
import { makeWorld } from '../support/world.ts'
import { type, type Person, type Said } from './typist.ts'

const day = 24 * 3_600_000

/** One backup of now and eight past their time. */
async function makeHistory(t: TestContext): Promise<{
  old: string[]
  on: (line: string, person?: Person) => Promise<Said>
  count: () => Promise<number>
}> {
  const world = await makeWorld(t, { clock: systemClock })
  await world.backup()
  const old = await makeOld(
    world,
    Array.from({ length: 8 }, (_, index) => (60 + index) * day),
  )
  await world.close()
  const config = join(world.folder, 'config.yml')
  await writeFile(
    config,
    `global:
  state_dir: ${world.folder}/state
  temp_dir: ${world.folder}/temp
  schedule: manual
  retention: { max_age: 30d, min_keep: 2 }
  storages: { disk: { type: local, path: ${world.storageDir} } }
strategies:
  - { name: shop, database_url: "sqlite://${world.folder}/shop.db" }
`,
  )
  const on = (line: string, person?: Person): Promise<Said> =>
    type([...line.split(' '), '--config', config], person)
  const count = async (): Promise<number> =>
    (JSON.parse((await on('list --json')).text) as BackupView[]).length
  return { old, on, count }
}

test('pruned from the command line: seen, explained, asked, and only then deleted', async (t) => {
  const { old, on, count } = await makeHistory(t)
  const dry = await on('prune --dry-run')
  assert.equal(dry.exit, 0, dry.stderr)
  assert.match(dry.text, /7 of 9 backups would go/)
  assert.equal(dry.text.match(/goes: older than 30d/g)?.length, 7)
  const explained = await on('retention explain shop')
  assert.match(explained.text, /kept: the newest good backup/)
  assert.match(explained.text, /kept: one of the 2 newest \(min_keep\)/)
  assert.equal((await on('prune')).exit, 2, 'nobody can be asked')

  const refused = await on('prune shop', { answers: ['n'] })
  assert.equal(refused.exit, 10)
  assert.match(refused.stderr, /^Delete 7 of 9 backups of shop in disk/m)
  assert.match(refused.stderr, /Delete 7 backups\? \[y\/N\]/)
  assert.equal(await count(), 9)

  const pinned = await on(`pin ${old[7]} --until 2099-01-01 --note before-2.14`)
  assert.match(pinned.text, / is pinned until 1 Jan 2099, 00:00 by .* — before-2\.14\n/)
  assert.match((await on('list')).text, /decoded whole · pinned/)
  assert.match((await on(`show ${old[7]}`)).text, /Pinned +until 1 Jan 2099/)

  const done = await on('cleanup --yes')
  assert.equal(done.exit, 0, done.stderr)
  assert.match(done.text, /^shop: deleted 6 old backups in disk in /)
  assert.equal(await count(), 3)
  assert.match((await on('prune --yes')).text, /^retention lets nothing go/)

  assert.match((await on(`unpin ${old[7]}`)).text, /no longer pinned/)
  assert.match((await on('prune --yes')).text, /deleted 1 old backup in disk/)
  assert.equal(await count(), 2)
})
