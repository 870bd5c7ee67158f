import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { judge, type Candidate, type Circumstances } from '../../src/core/retention.ts'
import { fastClock } from '../support/fast-clock.ts'
import { makeWorld, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const day = 24 * 3_600_000
const now = Date.parse('2026-11-20T06:00:00Z')
const usual: Circumstances = { now, intervalMs: day, listed: true }
const noBuckets = { keepLast: 0, keepHourly: 0, keepDaily: 0, keepWeekly: 0, keepMonthly: 0, keepYearly: 0 }
const policy = { maxAgeMs: 30 * day, minKeep: 2, ...noBuckets, text: '30d' }

/** `d5` is a good backup five days old; `!` broken, `~` of another installation. */
function backups(...words: string[]): Candidate[] {
  return words.map((word) => ({
    id: word,
    createdAt: now - Number(/[\d.]+/.exec(word)![0]) * day,
    good: !word.includes('!'),
    foreign: word.includes('~'),
  }))
}

const goes = (...args: Parameters<typeof judge>): string[] =>
  judge(...args).flatMap(({ id, keep }) => (keep ? [] : [id]))

suite('what retention lets go (promise 5)', () => {
  const table: [string, string[], Partial<Circumstances>, Partial<typeof policy>, string[]][] = [
    ['older than the age', ['d0', 'd1', 'd31', 'd40'], {}, {}, ['d31', 'd40']],
    ['exactly as old as the age stays', ['d0', 'd1', 'd30'], {}, {}, []],
    ['min_keep holds old ones', ['d0', 'd31', 'd40', 'd50'], {}, { minKeep: 3 }, ['d50']],
    ['broken ones do not count for min_keep', ['d0', 'd1!', 'd31', 'd40'], {}, {}, ['d40']],
    ['broken ones go by age', ['d0', 'd1', 'd31!'], {}, {}, ['d31!']],
    ['young broken ones stay', ['d0', 'd1', 'd2!'], {}, {}, []],
    [
      'those of another installation stay and do not count',
      ['d0', 'd40~', 'd0.1~', 'd35', 'd36'],
      {},
      {},
      ['d36'],
    ],
    ['min_keep 0 still keeps the newest good', ['d0', 'd1!', 'd40'], {}, { minKeep: 0 }, ['d40']],
    ['frozen: the listing failed', ['d0', 'd31', 'd40', 'd50'], { listed: false }, {}, []],
    ['frozen: the newest is older than twice the schedule', ['d2.1', 'd31', 'd40', 'd50'], {}, {}, []],
    ['manual cannot be late', ['d40', 'd50', 'd60'], { intervalMs: null }, {}, ['d60']],
    ['frozen: only broken ones', ['d40!', 'd50!'], {}, {}, []],
    ['frozen: the newest is in the future', ['d-1', 'd31', 'd40', 'd50'], {}, {}, []],
    ['nothing there', [], {}, {}, []],
  ]
  for (const [title, words, circumstances, changed, expected] of table)
    test(title, () => {
      const given = backups(...words).map((one) =>
        one.id === 'd-1' ? { ...one, createdAt: now + day } : one,
      )
      assert.deepEqual(goes(given, { ...policy, ...changed }, { ...usual, ...circumstances }), expected)
    })

  test('without a policy nothing is deleted', () => {
    assert.deepEqual(goes(backups('d0', 'd999'), null, usual), [])
  })

  const candidate = fc.record({
    id: fc.uuid(),
    createdAt: fc.integer({ min: now - 400 * day, max: now + 2 * day }),
    good: fc.boolean(),
    foreign: fc.boolean(),
  })
  const given = fc.record({
    all: fc.uniqueArray(candidate, { selector: ({ id }) => id, maxLength: 40 }),
    minKeep: fc.integer({ min: 0, max: 6 }),
    maxAgeMs: fc.integer({ min: 0, max: 90 * day }),
    intervalMs: fc.option(fc.integer({ min: 60_000, max: 40 * day })),
    listed: fc.boolean(),
  })

  test('whatever there is: never the newest good, never below min_keep, never foreign, never young, never when frozen', () => {
    fc.assert(
      fc.property(given, ({ all, minKeep, maxAgeMs, intervalMs, listed }) => {
        const circumstances = { now, intervalMs, listed }
        const judged = judge(all, { minKeep, maxAgeMs, ...noBuckets, text: 'x' }, circumstances)
        assert.deepEqual(
          judged.map(({ id }) => id),
          all.map(({ id }) => id),
        )
        assert.ok(judged.every(({ reason }) => reason !== ''))
        const gone = new Set(judged.flatMap(({ id, keep }) => (keep ? [] : [id])))
        const good = all
          .filter((one) => one.good && !one.foreign)
          .toSorted((a, b) => b.createdAt - a.createdAt)
        const floor = good.slice(0, Math.max(1, minKeep))
        assert.ok(floor.every(({ id }) => !gone.has(id)))
        for (const one of all.filter(({ id }) => gone.has(id))) {
          assert.ok(!one.foreign)
          assert.ok(now - one.createdAt > maxAgeMs)
        }
        const isFrozen =
          !listed ||
          good.length === 0 ||
          good[0]!.createdAt > now ||
          (intervalMs !== null && now - good[0]!.createdAt > 2 * intervalMs)
        if (isFrozen) assert.equal(gone.size, 0)
      }),
      { numRuns: 2_000 },
    )
  })

  test('a new good backup never makes the one that was the newest go at once', () => {
    fc.assert(
      fc.property(given, ({ all, maxAgeMs, intervalMs }) => {
        const good = all.filter((one) => one.good && !one.foreign && one.createdAt <= now)
        const before = good.toSorted((a, b) => b.createdAt - a.createdAt)[0]
        fc.pre(before !== undefined)
        const fresh = { id: 'fresh', createdAt: now, good: true, foreign: false }
        const gone = goes(
          [...all, fresh],
          { minKeep: 2, maxAgeMs, ...noBuckets, text: 'x' },
          { now, intervalMs, listed: true },
        )
        assert.ok(!gone.includes('fresh'))
        assert.ok(!gone.includes(before!.id))
      }),
    )
  })
})

suite('pruning after a backup (promises 5 and 6)', () => {
  const retention = { max_age: '30d', min_keep: 2 }

  async function aged(world: World, count: number, jump: (ms: number) => void): Promise<void> {
    for (let index = 0; index < count; index++) {
      const run = await world.backup()
      assert.equal(run.state, 'succeeded')
      jump(40 * day)
    }
  }

  test('old ones go, min_keep stay, and the storage holds just them', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, { clock, global: { retention } })
    const deleted: string[] = []
    world.context.bus.watch((event) => event.type === 'backup.deleted' && deleted.push(event.reason))
    await aged(world, 4, clock.jump)
    assert.equal((await world.engine.backups({ limit: 99 })).length, 2)
    assert.deepEqual(deleted, ['older than 30d (80 d ago)', 'older than 30d (80 d ago)'])
    await assertWorld(world)
  })

  test('what the catalogue believes in and the storage lost does not count', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, { clock, global: { retention } })
    await aged(world, 2, clock.jump)
    const [second, first] = await world.engine.backups({ limit: 9 })
    const { manifest } = await world.engine.backup(second!.id, null)
    await rm(join(world.storageDir, manifest.artifacts[0]!.key, '..'), { recursive: true })
    await world.backup()
    const left = (await world.engine.backups({ limit: 9 })).map(({ id }) => id)
    assert.ok(left.includes(first!.id), 'it is one of the two that are really there')
  })

  test('a prune that fails is told, and the backup is good all the same', async (t) => {
    const clock = fastClock(50)
    const world = await makeWorld(t, {
      clock,
      global: { retention },
      adjust: (context) => ({
        ...context,
        storages: new Map(
          [...context.storages].map(([name, storage]) => [
            name,
            { ...storage, remove: () => Promise.reject(new Error('it said no')) },
          ]),
        ),
      }),
    })
    await aged(world, 3, clock.jump)
    await world.deliver()
    const [notice] = world.notifier.posts.filter(({ key }) => key.startsWith('notice/prune/shop/'))
    const body = notice?.shown[0]?.body
    assert.ok(body?.type === 'notice' && body.urgent)
    assert.match(body.text, /The new backup is fine, but old ones were not deleted: it said/)
    assert.equal((await world.engine.runs({ limit: 9, state: 'succeeded' })).length, 3)
    await assertWorld(world)
  })

  test('a listing that fails freezes, and is told', async (t) => {
    const clock = fastClock(50)
    let isBroken = false
    const world = await makeWorld(t, {
      clock,
      global: { retention },
      adjust: (context) => ({
        ...context,
        storages: new Map(
          [...context.storages].map(([name, storage]) => [
            name,
            {
              ...storage,
              list: (...args) =>
                isBroken ? Promise.reject(new Error('page 3 failed')) : storage.list(...args),
            } as typeof storage,
          ]),
        ),
      }),
    })
    await aged(world, 2, clock.jump)
    isBroken = true
    await world.backup()
    assert.equal((await world.engine.backups({ limit: 9 })).length, 3)
    const [row] = await world.context.database.read
      .selectFrom('messages')
      .select('body')
      .where('key', 'like', 'notice/prune/shop/%')
      .execute()
    assert.match(row!.body, /frozen: the storage could not be listed completely: page 3 failed/)
    await assertWorld(world)
  })
})
