import assert from 'node:assert/strict'
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { Report } from '../../src/core/report.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { askIn, onHost } from '../support/gate.ts'
import { severalPlaces } from '../support/places.ts'
import { makeWorld, makeWorldFolder, person, type World } from '../support/world.ts'

const day = 24 * 60 * 60_000

interface Scene {
  world: World
  clock: FastClock
  /** The folder of a place. */
  dir: (place: string) => string
  asked: (words: string) => Promise<{ text: string; data: Report }>
}

async function begin(t: TestContext, crm: Record<string, unknown> = {}): Promise<Scene> {
  const clock = fastClock(1, Date.parse('2026-10-05T04:00:00Z'))
  const folder = await makeWorldFolder(t)
  const { dir, options } = severalPlaces(folder, ['near', 'far'])
  for (const place of ['near', 'far']) await mkdir(dir(place), { recursive: true })
  const world = await makeWorld(t, {
    clock,
    ...options,
    global: { ...options.global, schedule: '1d' },
    strategies: { shop: {}, crm },
  })
  const { ask } = askIn(world)
  const asked = async (words: string): Promise<{ text: string; data: Report }> => {
    const reply = await ask({ words: `report ${words}` }, onHost)
    assert.equal(reply.type, 'text')
    return { text: reply.text, data: reply.data as Report }
  }
  return { world, clock, dir, asked }
}

async function verified(world: World, work: 'one' | 'all'): Promise<void> {
  const { view } = await world.engine.backup('latest', 'shop')
  const { engine } = world
  const { id } = await (work === 'one'
    ? engine.startVerify(view.id, 'V1', person)
    : engine.startVerifyAll('shop', 'V1', person))
  await world.finish(id)
}

/** Runs of drills with these verdicts, copied from one that was made. */
async function drilled(scene: Scene, verdicts: readonly (string | null)[]): Promise<void> {
  const { world, clock } = scene
  const { database } = world.context
  const from = { trigger: 'person', actor: person } as const
  await world.finish((await world.engine.startDrill('shop', null, from)).id)
  const { seq: _, ...row } = await database.read
    .selectFrom('runs')
    .selectAll()
    .where('kind', '=', 'drill')
    .executeTakeFirstOrThrow()
  const result = JSON.parse(row.result!) as { drill: object }
  await database.write(async (tx) => {
    await tx.deleteFrom('runs').where('kind', '=', 'drill').execute()
    for (const [at, verdict] of verdicts.entries()) {
      const found = verdict === null ? null : JSON.stringify({ drill: { ...result.drill, verdict } })
      const ended = { ended_at: clock.now() - 60_000 + at, result: found }
      await tx
        .insertInto('runs')
        .values({ ...row, id: `${row.id}-${at}`, ...ended })
        .execute()
    }
  })
}

suite('the report tells an auditor nothing that is false', () => {
  test('a strategy that never had a good backup is late since it is known', async (t) => {
    const { world, clock, asked } = await begin(t)
    const file = join(world.folder, 'crm.db')
    await rename(file, `${file}.away`)
    const first = clock.now()
    for (let round = 0; round < 5; round++) {
      await world.backup('crm')
      await world.backup('shop')
      clock.jump(day)
    }
    const { text, data } = await asked('--since 30d')
    const [spell, ...others] = data.late.rows
    assert.deepEqual([spell?.strategy, spell?.to, others], ['crm', null, []])
    assert.ok(Math.abs(spell!.from - first - 1.5 * day) < 60_000, String((spell!.from - first) / day))
    assert.match(text, /\* Later than promised: 1 time/)
    assert.match(text, /\* Without a good backup: crm\./)
    const later = await asked('crm --since 1d')
    assert.equal(later.data.late.rows[0]?.from, later.data.period.since)
    await rename(`${file}.away`, file)
    await world.backup('crm')
    assert.notEqual((await asked('crm --since 30d')).data.late.rows[0]?.to, null)
  })

  test('a run that nobody remembers is no lateness', async (t) => {
    const { world, clock, asked } = await begin(t)
    await world.context.database.write((tx) =>
      tx
        .insertInto('meta')
        .values({ key: 'first-seen/shop', value: String(clock.now() - 600 * day) })
        .execute()
        .then(() => undefined),
    )
    clock.jump(400 * day)
    await world.backup('shop')
    const [spell] = (await asked('shop --since 700d')).data.late.rows
    assert.ok(spell && spell.tookMs <= 400 * day)
  })

  test('what a long list does not show is counted all the same, and the cut is said', async (t) => {
    const scene = await begin(t)
    await scene.world.backup('shop')
    const all = { pass: 1_000, fail: 30, inconclusive: 7, none: 2 }
    const verdicts = Object.entries(all).flatMap(([verdict, count]) =>
      Array.from({ length: count }, () => (verdict === 'none' ? null : verdict)),
    )
    await drilled(scene, verdicts)
    const { text, data } = await scene.asked('--since 30d')
    assert.deepEqual(data.drills.verdicts, all)
    assert.equal(data.drills.rows.length, 1_000)
    assert.match(
      text,
      /Restore drills: 1,039, of which 1,000 passed, 30 failed, 9 came to no verdict; the list below shows the oldest 1,000\./,
    )
  })

  test('a copy that is not good is among the failed verifications, although another one is', async (t) => {
    const { world, dir, asked } = await begin(t)
    const { id } = (await world.backup('shop')).backup!
    const paths = await readdir(dir('near'), { recursive: true })
    const path = join(
      dir('near'),
      paths.find((name) => name.includes(id) && name.endsWith('.gz'))!,
    )
    await writeFile(path, 'x')
    await verified(world, 'one')
    await rename(dir('far'), `${dir('far')}.away`)
    await verified(world, 'all')
    const { text, data } = await asked('--since 30d')
    assert.deepEqual(
      data.broken.rows.map(({ state }) => state),
      ['succeeded', 'degraded'],
    )
    assert.match(data.broken.rows[0]!.why, /^the copy in near is not good: /)
    assert.match(data.broken.rows[1]!.why, /could not be read/)
    assert.equal(data.broken.total, 2)
    assert.match(text, /\* Verifications that failed, or found a copy that is not good: 2\./)
  })

  test('a strategy whose only backup failed its drill has one, and no good one', async (t) => {
    const checks = [{ name: 'has orders', sql: 'SELECT 1', expect: 2 }]
    const { world, asked } = await begin(t, { drill: { checks } })
    const row = async (): Promise<string> =>
      (await asked('crm --since 30d')).text.split('\n').find((line) => line.startsWith('| crm | SQLite'))!
    assert.match(await row(), /\| no backup \|$/)
    await world.backup('crm')
    assert.match(await row(), /\| never: unproven \|$/)
    const drill = await world.engine.startDrill('crm', null, { trigger: 'person', actor: person })
    assert.equal((await world.finish(drill.id)).drill?.verdict, 'fail')
    assert.match(await row(), /\| – \| never: no backup is good \|$/)
  })
})
