import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { Report } from '../../src/core/report.ts'
import { makePrecious, officeOf, people, protectedWorld } from '../support/approvals.ts'
import { changeRow } from '../support/audit-log.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { askIn, onHost } from '../support/gate.ts'
import { makeWorld, person, type World } from '../support/world.ts'

const day = 24 * 60 * 60_000

interface Weeks {
  world: World
  clock: FastClock
  to(at: string): void
  /** What the command answers: the page, and the same facts. */
  asked(words: string): Promise<{ text: string; data: Report }>
}

/** Three strategies and an auditor. */
async function begin(t: TestContext): Promise<Weeks> {
  const clock = fastClock(1, Date.parse('2026-10-05T04:00:00Z'))
  const world = await makeWorld(t, {
    clock,
    global: {
      ...protectedWorld.global,
      timezone: 'Europe/Paris',
      schedule: '1d',
      retention: { max_age: '7d', min_keep: 1 },
    },
    strategies: {
      shop: { protected: true },
      crm: { expect: { max_age: '3d' } },
      quiet: { schedule: 'manual' },
    },
  })
  const { ask } = askIn(world)
  return {
    world,
    clock,
    to: (at) => clock.jump(Date.parse(at) - clock.now()),
    asked: async (words) => {
      const reply = await ask({ words: `report ${words}` }, onHost)
      assert.equal(reply.type, 'text')
      return { text: reply.text, data: reply.data as Report }
    },
  }
}

async function away(world: World, name: string, work: () => Promise<unknown>): Promise<void> {
  const file = join(world.folder, `${name}.db`)
  await rename(file, `${file}.away`)
  await work()
  await rename(`${file}.away`, file)
}

/** Four weeks with a bit of everything. */
async function live({ world, to }: Weeks): Promise<void> {
  for (const date of ['05', '07', '09']) {
    to(`2026-10-${date}T05:00:00Z`)
    await world.backup('shop')
    await world.backup('crm')
  }
  to('2026-10-12T05:00:00Z')
  await away(world, 'crm', async () => {
    await world.backup('crm')
    to('2026-10-12T06:00:00Z')
    await world.backup('crm')
  })
  to('2026-10-14T06:00:00Z')
  await world.backup('crm')
  await world.backup('shop')
  const office = officeOf(world)
  makePrecious(world)
  const filed = await office.file()
  await office.click('approve', filed, office.person(people.carol))
  await world.finish((await world.engine.request(filed.id)).run!)
  to('2026-10-26T08:00:00Z') // the clocks of Paris were set back on the 25th
  await world.backup('shop')
  const { view } = await world.engine.backup('latest', 'shop')
  await world.finish((await world.engine.startVerify(view.id, 'V1', person)).id)
  await world.finish((await world.engine.startDrill('shop', null, { trigger: 'person', actor: person })).id)
  await askIn(world).ask({ words: 'pause quiet' }, onHost)
}

suite('the report', () => {
  test('tells an auditor of four weeks: failures, lateness, deletions, restores and who decided', async (t) => {
    const weeks = await begin(t)
    await live(weeks)
    const { text, data } = await weeks.asked('--since 2026-10-01 --until 2026-11-01')
    assert.deepEqual(
      data.runs.map(({ strategy, succeeded, failed }) => [strategy, succeeded, failed]),
      [
        ['shop', 5, 0],
        ['crm', 4, 2],
        ['quiet', 0, 0],
      ],
    )
    assert.deepEqual(
      data.failures.rows.map(({ strategy, runs, goodAt, from }) => [
        strategy,
        runs,
        Math.round((goodAt! - from) / day),
      ]),
      [['crm', 2, 2]],
    )
    assert.deepEqual(
      data.late.rows.map(({ strategy, to }) => `${strategy} ${to === null ? 'still' : 'over'}`).toSorted(),
      ['crm over', 'crm still', 'shop over', 'shop over', 'shop over', 'shop over'],
    )
    const [restore] = data.restores.rows
    assert.deepEqual(
      [restore!.askedBy.id, restore!.decidedBy?.id, restore!.reason, restore!.state, data.restores.total],
      [people.boss, people.carol, 'bad migration', 'done', 1],
    )
    assert.deepEqual(
      data.deletions.rows.map(({ strategy, storage, reason, backups }) => [
        strategy,
        storage,
        reason,
        backups,
      ]),
      [
        ['crm', 'disk', 'older than 7d', 2],
        ['shop', 'disk', 'older than 7d', 4],
      ],
    )
    assert.deepEqual(data.unproven, ['crm'])
    assert.deepEqual(data.chain.problems, [])
    assert.deepEqual(
      data.changes.rows.map(({ act, strategy }) => [act, strategy]),
      [['pause', 'quiet']],
    )
    assert.match(text, /from 2026-10-01 00:00:00 \+02:00 up to 2026-11-01 00:00:00 \+01:00/)
    assert.match(text, /^# Backup report, 2026-10-01 to 2026-11-01\n/)
    assert.match(text, /2026-10-14 08:0\d:\d\d \+02:00/)
    assert.match(text, /2026-10-26 09:0\d:\d\d \+01:00/)
    assert.deepEqual([data.drills.total, data.drills.rows[0]!.verdict], [1, 'pass'])
    assert.deepEqual(data.verifications, [{ strategy: 'shop', good: { V1: 1 } }])
    assert.deepEqual(
      (await weeks.asked('--since 2026-10-01 --until 2026-11-01')).text.split('\n').length,
      text.split('\n').length,
    )
  })

  test('says what was done without the second person, who was refused, and that a row of the audit log was changed', async (t) => {
    const { world, asked } = await begin(t)
    await world.backup('shop')
    makePrecious(world)
    const office = officeOf(world)
    await assert.rejects(office.ask({ words: 'prune shop' }, office.person(people.eve)), { code: 'denied' })
    const filed = await office.file()
    await office.click('approve', filed, onHost)
    await world.finish((await world.engine.request(filed.id)).run!)
    const before = await asked('shop')
    assert.match(before.text, /1 without the second person they needed, of which 0 reviewed since/)
    assert.match(before.text, /\| YES, not reviewed \|/)
    assert.match(before.text, /access\.refused \| shop/)
    assert.match(before.text, /The audit log is whole/)
    assert.deepEqual(
      before.data.runs.map(({ strategy }) => strategy),
      ['shop'],
    )
    await changeRow(world.context.database, 2, { reason: 'a | better <b>reason</b>' })
    const after = await asked('')
    assert.match(after.text, /THE AUDIT LOG IS NOT AS IT WAS WRITTEN: 1 thing in/)
    await assert.rejects(asked('--since 1d --until 2d'), { code: 'usage' })
    await assert.rejects(asked('nowhere'), { code: 'not-found' })
  })
})
