import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { AuditEntry, AuditRow } from '../../src/core/audit.ts'
import { storeAuditHeads, verifyAudit } from '../../src/engine/audit-heads.ts'
import { syncCatalogue } from '../../src/engine/catalogue.ts'
import { tidyPlace } from '../../src/engine/tidy.ts'
import { audit, findAudit, fromTable, hashOf } from '../../src/state/audit.ts'
import { makeWorld, makeWorldFolder, person, type World, type WorldOptions } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const never = new AbortController().signal
const day = 24 * 3_600_000
const noon = Date.parse('2026-11-20T12:00:00Z')

const entry: AuditEntry = {
  actor: person,
  act: 'run',
  strategy: 'shop',
  subject: null,
  planDigest: null,
  reason: null,
  result: 'allowed',
  detail: null,
  link: null,
}

/** A world with a backup and so many rows. */
async function scene(t: TestContext, rows: number, options: WorldOptions = {}): Promise<World> {
  const world = await makeWorld(t, options)
  await world.backup()
  await write(world, rows)
  return world
}

async function write({ context }: World, rows: number): Promise<void> {
  await context.database.write(async (tx) => {
    for (let count = 0; count < rows; count++)
      await audit(tx, { ...entry, detail: `row ${count}` }, noon + count)
  })
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

async function rowAt({ context }: World, seq: number): Promise<AuditRow> {
  const row = await context.database.read
    .selectFrom('audit')
    .selectAll()
    .where('seq', '=', seq)
    .executeTakeFirstOrThrow()
  return fromTable(row)
}

const remove = ({ context }: World, ...seqs: number[]): Promise<unknown> =>
  context.database.write((tx) => tx.deleteFrom('audit').where('seq', 'in', seqs).execute())

const change = ({ context }: World, seq: number, to: object): Promise<unknown> =>
  context.database.write((tx) => tx.updateTable('audit').set(to).where('seq', '=', seq).execute())

/** Two rows change their numbers. */
async function swap(world: World, one: number, other: number): Promise<void> {
  await change(world, one, { seq: -1 })
  await change(world, other, { seq: one })
  await change(world, -1, { seq: other })
}

/** Forges a row so that it agrees with itself. */
async function forge(world: World, seq: number, to: Partial<AuditRow>): Promise<void> {
  const row = { ...(await rowAt(world, seq)), ...to }
  const { detail, prev } = row
  await change(world, seq, { detail, prev, hash: hashOf(row) })
}

suite('the chain of the audit log shows what was done to it', () => {
  for (const [title, sabotage, expected] of [
    ['nothing', async () => undefined, []],
    [
      'one row is changed',
      (world) => change(world, 4, { detail: 'never happened' }),
      ['row 4 was changed after it was written'],
    ],
    [
      'the actor of a row is another',
      (world) => change(world, 4, { actor: JSON.stringify({ via: 'slack', id: 'U0EVE0001' }) }),
      ['row 4 was changed after it was written'],
    ],
    [
      'a row is no row any more',
      (world) => change(world, 4, { actor: 'nobody' }),
      ['row 4 cannot be read: it was changed'],
    ],
    ['one row is removed', (world) => remove(world, 4), ['row 4 was removed']],
    ['the first rows are removed', (world) => remove(world, 1, 2), ['rows 1 to 2 were removed']],
    ['two neighbours are swapped', (world) => swap(world, 4, 5), ['rows 4 and 5 were swapped']],
    ['two rows far apart are swapped', (world) => swap(world, 2, 8), ['rows 2 and 8 were swapped']],
    [
      'a row is forged with a hash of its own',
      (world) => forge(world, 4, { detail: 'never happened' }),
      ['row 4 was written anew: row 5 follows another one'],
    ],
    [
      'one is changed, one removed and two are swapped',
      async (world) => {
        await change(world, 2, { act: 'x' })
        await remove(world, 4)
        await swap(world, 6, 7)
      },
      ['row 2 was changed after it was written', 'row 4 was removed', 'rows 6 and 7 were swapped'],
    ],
  ] as [string, (world: World) => Promise<unknown>, string[]][])
    // prettier-ignore
    test(title, async (t) => {
      const world = await makeWorld(t)
      await write(world, 9)
      await sabotage(world)
      assert.deepEqual(await found(world), expected)
    })

  test('a log longer than a page is walked whole', async (t) => {
    const world = await makeWorld(t)
    await write(world, 1_203)
    assert.equal((await verifyAudit(world.context)).rows, 1_203)
    await change(world, 1_100, { reason: 'other' })
    await remove(world, 500)
    assert.deepEqual(await found(world), ['row 500 was removed', 'row 1100 was changed after it was written'])
  })
})

suite('its head is stored with the backups each day', () => {
  test('once a day in each place that holds backups, and it shows what the chain alone cannot', async (t) => {
    const world = await scene(t, 5)
    at(world, noon)
    await storeAuditHeads(world.context, never)
    await write(world, 3)
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
    assert.deepEqual([first!.seq, first!.hash], [5, (await rowAt(world, 5)).hash])
    assert.equal(second!.seq, 8)
    const report = await verifyAudit(world.context)
    assert.deepEqual(
      [report.problems, report.heads, report.newestHead, report.notes],
      [[], 2, '2026-11-21', []],
    )

    await remove(world, 7, 8)
    assert.deepEqual(await found(world), [
      'rows 7 to 8 were removed: row 8 is remembered in disk on 2026-11-21',
    ])
  })

  test('a chain that was written anew from some row on is found', async (t) => {
    const world = await scene(t, 5)
    at(world, noon)
    await storeAuditHeads(world.context, never)
    await forge(world, 4, { detail: 'never happened' })
    await forge(world, 5, { prev: (await rowAt(world, 4)).hash })
    assert.deepEqual(await found(world), ['row 5 is not the one that is remembered in disk on 2026-11-20'])
  })

  test('a log that was begun anew is told from one that was cut', async (t) => {
    const world = await scene(t, 5)
    at(world, noon)
    await storeAuditHeads(world.context, never)
    await remove(world, 1, 2, 3, 4, 5)
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
    await write(world, 1)
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

test('it is read newest first, of one strategy, from some time on', async (t) => {
  const { context } = await makeWorld(t)
  await context.database.write(async (tx) => {
    for (const [index, strategy] of ['shop', 'blog', null, 'shop'].entries())
      await audit(tx, { ...entry, strategy }, noon + index)
  })
  const seqs = async (filter: Partial<Parameters<typeof findAudit>[1]>): Promise<number[]> =>
    (await findAudit(context.database.read, { limit: 10, ...filter })).map(({ seq }) => seq)
  assert.deepEqual(await seqs({}), [4, 3, 2, 1])
  assert.deepEqual(await seqs({ limit: 2 }), [4, 3])
  assert.deepEqual(await seqs({ strategy: 'shop' }), [4, 1])
  assert.deepEqual(await seqs({ since: noon + 2 }), [4, 3])
})
