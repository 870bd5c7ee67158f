import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import type { Retention } from '../../src/core/config.ts'
import { serviceActor } from '../../src/core/model.ts'
import { isWeaker } from '../../src/engine/config-changes.ts'
import type { EngineContext } from '../../src/engine/context.ts'
import { reloadHere, reloadThere, reloadUntil } from '../../src/engine/reload.ts'
import { createScheduler } from '../../src/engine/scheduler.ts'
import { filters } from '../../src/filters/registry.ts'
import { sources } from '../../src/sources/registry.ts'
import { slotsOf } from '../../src/state/slots.ts'
import { storages } from '../../src/storages/registry.ts'
import { fakeClock } from '../support/clock.ts'
import { makeWorld, person, type World, type WorldOptions } from '../support/world.ts'

interface File {
  global: Record<string, unknown>
  strategies: Record<string, unknown>[]
}

interface Scene {
  world: World
  context: EngineContext
  /** Changes the file that the next reload reads. */
  edit(change: (file: File) => void): Promise<void>
}

/** A world whose configuration is a file that can be edited. */
async function scene(t: TestContext, options: WorldOptions = {}): Promise<Scene> {
  const world = await makeWorld(t, options)
  const path = join(world.folder, 'easy-backup.yml')
  const file: File = {
    global: {
      slack: { bot_token: world.canary, channel_id: 'C0123456789' },
      state_dir: world.stateDir,
      temp_dir: world.tempDir,
      storages: { disk: { type: 'local', path: world.storageDir } },
      retry: { max_attempts: 1 },
      timeout: { stall: '1h' },
      schedule: 'manual',
      ...options.global,
    },
    strategies: world.config.strategies.map(({ name, source }) => ({
      name,
      ...options.strategies?.[name],
      database_url: source.url,
    })),
  }
  const { context } = world
  await writeFile(path, JSON.stringify(file))
  let text = JSON.stringify(file)
  const refuse = (name: string): string => assert.fail(name)
  context.readConfig = () =>
    loadConfig(
      { path, text, environment: {}, dotenv: null, readFile: refuse },
      { sources, storages, filters },
    )
  async function edit(change: (file: File) => void): Promise<void> {
    change(file)
    text = JSON.stringify(file)
    await writeFile(path, text)
    assert.equal(await readFile(path, 'utf8'), text)
  }
  return { world, context, edit }
}

async function notices({ world }: Scene): Promise<string[]> {
  await world.deliver()
  return world.notifier.posts.flatMap(({ shown }) =>
    shown.flatMap(({ body }) => (body.type === 'notice' ? [body.text] : [])),
  )
}

suite('reload is all or nothing (promise 20)', () => {
  test('with one mistake nothing changes, and every mistake is told', async (t) => {
    const { context, edit } = await scene(t)
    const { config, storages: places } = context
    await edit((file) => {
      file.strategies.push({ name: 'blog', database_url: 'sqlite:///blog.db' })
      file.global.retention = '7x'
      file.global.colour = 'red'
    })
    await assert.rejects(reloadHere(context, person), ({ code, message }: Error & { code: string }) => {
      assert.equal(code, 'config-invalid')
      return message.split('\n').length === 2
    })
    assert.equal(context.config, config)
    assert.equal(context.storages, places)
  })

  test('a reload by a signal is in the audit log: what it changed, or that it was refused', async (t) => {
    const { context, world, edit } = await scene(t)
    await edit((file) => void file.strategies.push({ ...file.strategies[0], name: 'blog' }))
    await reloadHere(context, serviceActor)
    await edit((file) => void (file.global.retention = '7x'))
    await assert.rejects(reloadHere(context, serviceActor), { code: 'config-invalid' })
    const rows = await world.engine.audit({ limit: 9 })
    assert.deepEqual(
      rows.map(({ act, actor, result }) => [act, actor.via, result]),
      [
        ['reload', 'service', 'failed'],
        ['reload', 'service', 'done'],
      ],
    )
    assert.match(rows[0]!.detail!, /retention/)
    assert.equal(rows[1]!.detail, '1 strategy added: blog')
  })

  test('strategies, places, schedule and log level take effect, and the answer says so', async (t) => {
    const { world, context, edit } = await scene(t)
    const disk = context.storages.get('disk')
    await edit((file) => {
      file.strategies.push({ ...file.strategies[0], name: 'blog', tags: ['x'] })
      file.strategies[0]!.schedule = '6h'
      file.global.storages = {
        ...(file.global.storages as object),
        nas: { type: 'local', path: world.storageDir },
      }
      file.global.storage = 'disk'
      file.global.log_level = 'debug'
    })
    const { changed, weakened, needsRestart } = await reloadHere(context, person)
    assert.deepEqual(changed, [
      '1 strategy added: blog',
      'shop: schedule manual → every 6h',
      'place added: nas',
      'log level info → debug',
    ])
    assert.deepEqual([weakened, needsRestart], [[], []])
    assert.deepEqual(world.engine.strategyNames(), ['shop', 'blog'])
    assert.equal(context.storages.get('disk'), disk, 'what did not change stays open')
    assert.equal((await world.backup('blog')).state, 'succeeded')
  })

  test('what needs a restart is said and stays as it was', async (t) => {
    const { world, context, edit } = await scene(t)
    await edit((file) => {
      file.global.state_dir = '/elsewhere'
      file.global.slack = { bot_token: 'xoxb-another', channel_id: 'C0000000002' }
      file.global.monitoring = { health_check: { port: 1 } }
    })
    const { needsRestart, changed } = await reloadHere(context, person)
    assert.deepEqual(needsRestart, ['state_dir', 'monitoring', 'slack (tokens and connection)'])
    assert.deepEqual(changed, ['shop: slack', 'Slack channels'])
    assert.deepEqual([context.config.stateDir, context.config.health], [world.stateDir, null])
    assert.equal(context.config.slack!.botToken, world.canary)
    assert.equal(context.config.slack!.routing.channel, 'C0000000002')
  })

  test('weaker retention, a lost place and a removed strategy are said to everybody', async (t) => {
    const here = await scene(t, { strategies: { shop: {}, blog: {} }, global: { retention: '30d' } })
    await here.edit((file) => {
      file.global.retention = '7d'
      file.strategies.pop()
    })
    const { weakened } = await reloadHere(here.context, person)
    assert.deepEqual(weakened, ['no longer backed up: blog', 'retention of shop weakened: 30d → 7d'])
    const [told] = await notices(here)
    assert.match(told!, /Loaded again by ann:\n• no longer backed up: blog\n• retention of shop weakened/)
    await here.edit((file) => void (file.global.retention = '60d'))
    await reloadHere(here.context, person)
    assert.equal((await notices(here)).length, 1)
  })

  test('access that lets somebody do more is said to everybody; less is not', async (t) => {
    const [ops, ann, bob] = ['S0123456789', 'U0123456789', 'U0123456780']
    const access = { operate: [ops], admin: [ann], restore: [ann], approve: [ann] }
    const here = await scene(t, { strategies: { shop: {}, blog: {} }, global: { access } })
    const change = async (to: object | undefined, own?: object): Promise<string[]> => {
      await here.edit((file) => {
        file.global.access = to
        file.strategies[1]!.access = own
      })
      return (await reloadHere(here.context, person)).weakened
    }
    assert.deepEqual(await change({ ...access, operate: [] }), [])
    assert.deepEqual(await change(access), [
      `access to the service, shop, blog weakened: operate also for ${ops}`,
    ])
    assert.deepEqual(await change({ ...access, groups: { [ops]: [ann] } }), [])
    assert.deepEqual(await change({ ...access, groups: { [ops]: [ann, bob] } }), [
      `access to the service, shop, blog weakened: operate also for ${bob}`,
    ])
    const wider = await change(
      { ...access, groups: { [ops]: [ann, bob] } },
      { restore: [bob], allow_self_approval: true },
    )
    assert.deepEqual(wider, [`access to blog weakened: restore also for ${bob}; who asks may approve alone`])
    assert.match((await change(undefined)).join(), /restore also for admins of the workspace/)
    assert.match((await notices(here))[0]!, /• access to the service, shop, blog weakened: operate also for/)
  })

  test('the same change of many strategies is one line', async (t) => {
    const here = await scene(t, { strategies: { shop: {}, blog: {} }, global: { retention: '30d' } })
    await here.edit((file) => void (file.global.retention = '7d'))
    const { changed, weakened } = await reloadHere(here.context, person)
    assert.deepEqual(changed, ['shop, blog: retention 30d → 7d'])
    assert.deepEqual(weakened, ['retention of shop, blog weakened: 30d → 7d'])
  })

  test('a run goes on with the strategy it began with', async (t) => {
    const { world, context, edit } = await scene(t)
    const run = await world.engine.startBackup('shop', { trigger: 'person', actor: person })
    const going = world.finish(run.id)
    await edit((file) => {
      file.global.storages = { other: { type: 'local', path: world.storageDir } }
      file.strategies[0]!.name = 'renamed'
    })
    for (let state = 'queued'; state === 'queued';) state = (await world.engine.run(run.id)).state
    await reloadHere(context, person)
    const ended = await going
    assert.deepEqual([ended.state, ended.backup?.storages], ['succeeded', ['disk']])
  })

  test('what waits for its turn and was removed is cancelled', async (t) => {
    const { world, context, edit } = await scene(t, { strategies: { shop: {}, blog: {} } })
    const { id } = await world.engine.startBackup('blog', { trigger: 'person', actor: person })
    await edit((file) => void file.strategies.pop())
    await reloadHere(context, person)
    assert.equal((await world.engine.run(id)).state, 'cancelled')
  })

  test('a new schedule and a new strategy have no past', async (t) => {
    const clock = fakeClock(Date.parse('2026-11-20T06:30:00Z'))
    const { context, edit } = await scene(t, { clock, strategies: { shop: { schedule: '1d' } } })
    const scheduler = createScheduler(context, () => {})
    await scheduler.tick()
    await clock.advance(5 * 3_600_000)
    await edit((file) => {
      file.strategies[0]!.schedule = '1h'
      file.strategies.push({ ...file.strategies[0], name: 'blog' })
    })
    await reloadHere(context, person)
    await scheduler.tick()
    const both = async () => [
      ...(await slotsOf(context.database.read, 'shop')),
      ...(await slotsOf(context.database.read, 'blog')),
    ]
    assert.deepEqual(await both(), [])
    await clock.advance(3_600_000)
    await scheduler.tick()
    assert.deepEqual(
      (await both()).map(({ skipped }) => skipped),
      [null, null],
    )
  })
})

test('a command hands the reload to the service, and shows its answer or its mistakes', async (t) => {
  const { world, context, edit } = await scene(t)
  const stop = new AbortController()
  const service = reloadUntil(context, stop.signal)
  const beside: EngineContext = { ...context }
  await edit((file) => void file.strategies.push({ ...file.strategies[0], name: 'blog' }))
  assert.deepEqual((await reloadThere(beside, person)).changed, ['1 strategy added: blog'])
  assert.deepEqual(world.engine.strategyNames(), ['shop', 'blog'])
  await edit((file) => void (file.global.colour = 'red'))
  await assert.rejects(reloadThere(beside, person), { code: 'config-invalid', message: /colour/ })
  stop.abort(new Error('stopped'))
  await service
  await assert.rejects(reloadThere(beside, person), { code: 'timed-out' })
  const left = await context.database.read
    .selectFrom('meta')
    .select('key')
    .where('key', 'like', 'reload/%')
    .execute()
  assert.deepEqual(left, [], 'nothing waits in the state')
})

test('a retention is weaker when it may delete what was kept', () => {
  const none: Retention = {
    maxAgeMs: null, minKeep: 2, keepLast: 0, keepHourly: 0, keepDaily: 0, keepWeekly: 0, keepMonthly: 0, keepYearly: 0, text: '',
  } // prettier-ignore
  const month = { ...none, maxAgeMs: 30 }
  const daily = { ...none, keepDaily: 7 }
  for (const [was, is, expected] of [
    [null, month, true],
    [month, null, false],
    [month, { ...month, maxAgeMs: 7 }, true],
    [month, { ...month, maxAgeMs: 60 }, false],
    [month, { ...month, minKeep: 1 }, true],
    [month, daily, true],
    [daily, { ...daily, keepDaily: 14 }, false],
    [daily, { ...daily, keepDaily: 3, keepWeekly: 9 }, true],
    [daily, { ...daily, maxAgeMs: 90 }, true],
  ] as const)
    assert.equal(isWeaker(was, is), expected, JSON.stringify([was, is]))
})
