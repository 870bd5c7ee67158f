import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { AuditRow } from '../../src/core/audit.ts'
import { storeAuditHeads, verifyAudit } from '../../src/engine/audit-heads.ts'
import { syncCatalogue } from '../../src/engine/catalogue.ts'
import { tidyPlace } from '../../src/engine/tidy.ts'
import { audit } from '../../src/state/audit.ts'
import { entry, forgeRow, noon, removeRows, rowAt, writeRows } from '../support/audit-log.ts'
import { makeWorld, makeWorldFolder, type World, type WorldOptions } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const never = new AbortController().signal
const day = 24 * 3_600_000

/** A world with a backup and so many rows. */
async function scene(t: TestContext, rows: number, options: WorldOptions = {}): Promise<World> {
  const world = await makeWorld(t, options)
  await world.backup()
  await writeRows(world.context.database, rows)
  return world
}

function at({ context }: World, now: number): void {
  context.clock = { ...context.clock, now: () => now }
}

const heads = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).filter((name) => /^audit\/[^/]+\/[^/]+$/.test(name)).toSorted()

async function found(world: World): Promise<string[]> {
  const { problems } = await verifyAudit(world.context)
  return problems.map(({ text }) => text)
}

suite('its head is stored with the backups each day', () => {
  test('once a day in each place that holds backups, and it shows what the chain alone cannot', async (t) => {
    const world = await scene(t, 5)
    at(world, noon)
    await storeAuditHeads(world.context, never)
    await writeRows(world.context.database, 3)
    await storeAuditHeads(world.context, never)
    at(world, noon + day)
    await storeAuditHeads(world.context, never)
    const { installation } = world.context
    assert.deepEqual(await heads(world.storageDir), [
      `audit/${installation}/2026-11-20.json`,
      `audit/${installation}/2026-11-21.json`,
    ])
    const [first, second] = await Promise.all(
      (await heads(world.storageDir)).map(
        async (name) => JSON.parse(await readFile(join(world.storageDir, name), 'utf8')) as AuditRow,
      ),
    )
    assert.deepEqual([first!.seq, first!.hash], [5, (await rowAt(world.context.database, 5)).hash])
    assert.equal(second!.seq, 8)
    const report = await verifyAudit(world.context)
    assert.deepEqual(
      [report.problems, report.heads, report.newestHead, report.notes],
      [[], 2, '2026-11-21', []],
    )

    await removeRows(world.context.database, 7, 8)
    assert.deepEqual(await found(world), [
      'rows 7 to 8 were removed: row 8 is remembered in disk on 2026-11-21',
    ])
  })

  test('a chain that was written anew from some row on is found', async (t) => {
    const world = await scene(t, 5)
    at(world, noon)
    await storeAuditHeads(world.context, never)
    await forgeRow(world.context.database, 4, { detail: 'never happened' })
    await forgeRow(world.context.database, 5, { prev: (await rowAt(world.context.database, 4)).hash })
    assert.deepEqual(await found(world), ['row 5 is not the one that is remembered in disk on 2026-11-20'])
  })

  test('a log that was begun anew is told from one that was cut', async (t) => {
    const world = await scene(t, 5)
    at(world, noon)
    await storeAuditHeads(world.context, never)
    await removeRows(world.context.database, 1, 2, 3, 4, 5)
    assert.deepEqual(await found(world), [
      'rows 1 to 5 were removed: row 5 is remembered in disk on 2026-11-20',
    ])
    await world.context.database.write((tx) => audit(tx, { ...entry, act: 'reload' }, noon + day))
    assert.deepEqual(await found(world), [
      'another log was here before: its row 5 is remembered in disk on 2026-11-20',
    ])
  })

  test('nothing is stored where no backup is, nor before the first row', async (t) => {
    const world = await makeWorld(t)
    await writeRows(world.context.database, 1)
    await storeAuditHeads(world.context, never)
    assert.deepEqual(await readdir(world.storageDir), [])
    const other = await scene(t, 0)
    await storeAuditHeads(other.context, never)
    assert.deepEqual(await heads(other.storageDir), [])
    assert.match((await verifyAudit(other.context)).notes.join(), /no head is stored/)
  })

  test('a place that fails is logged and tried again an hour later, and the others have theirs', async (t) => {
    const folder = await makeWorldFolder(t)
    const [disk, nas] = [join(folder, 'disk'), join(folder, 'nas')]
    await Promise.all([mkdir(disk), mkdir(nas)])
    const world = await scene(t, 2, {
      folder,
      global: {
        storages: { disk: { type: 'local', path: disk }, nas: { type: 'local', path: nas } },
        storage: ['disk', 'nas'],
      },
    })
    await rm(join(disk, 'easy-backup.json'))
    at(world, noon)
    for (let pass = 0; pass < 3; pass++) await storeAuditHeads(world.context, never)
    const said = world.logged.filter((line) => line.includes('head of the audit log could not be stored'))
    assert.equal(said.length, 1, said.join(''))
    assert.equal((await heads(nas)).length, 1)
    assert.deepEqual(await heads(disk), [])
  })

  test('catalogue, tidying and every promise leave it alone', async (t) => {
    const world = await scene(t, 2)
    at(world, noon)
    await storeAuditHeads(world.context, never)
    const before = await heads(world.storageDir)
    const [report] = await syncCatalogue(world.context)
    assert.deepEqual([report!.found, report!.broken, report!.removed], [1, [], 0])
    await tidyPlace(world.context, world.context.storages.get('disk')!)
    assert.deepEqual(await heads(world.storageDir), before)
    await assertWorld(world)
  })

  test('a head that is not what was written is named', async (t) => {
    const world = await scene(t, 2)
    at(world, noon)
    await storeAuditHeads(world.context, never)
    const [name] = await heads(world.storageDir)
    await writeFile(join(world.storageDir, name!), '{"seq": "two"}')
    assert.deepEqual(await found(world), [`${name} in disk is not what was written`])
  })
})
