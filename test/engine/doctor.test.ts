import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { after, before, suite, test, type TestContext } from 'node:test'
import { startPlayground, type PlaygroundOptions } from '../../playground/server.ts'
import { groupsToAsk } from '../../src/core/access.ts'
import type { Check } from '../../src/core/checks.ts'
import { silentLog } from '../../src/core/log.ts'
import { createPostgres } from '../../src/sources/postgres/index.ts'
import { routingsOf } from '../../src/slack/inspect.ts'
import { startSlack } from '../../src/slack/app.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { fastClock } from '../support/fast-clock.ts'
import { openGate } from '../support/gate.ts'
import { postgresMajors, startPostgres, type PostgresServer } from '../support/postgres.ts'
import { startS3 } from '../support/s3/server.ts'
import { needMount, smallDisk } from '../support/small-disk.ts'
import { stubTool } from '../support/stub-tools.ts'
import { fillSample, makeWorld, type World, type WorldOptions } from '../support/world.ts'

const needPostgres = {
  skip: postgresMajors().length > 0 ? false : 'the PostgreSQL server programs are not installed',
}

interface Setup extends WorldOptions {
  slack?: PlaygroundOptions & { channel?: string; bot?: string }
  /** Slack is part of it only when a test is about it. */
  withSlack?: boolean
}

/** A world as a person sets it up, with the real Slack face on the playground. */
async function set(t: TestContext, setup: Setup = {}): Promise<World> {
  const playground = setup.withSlack ? await startPlayground({ rateLimits: false, ...setup.slack }) : null
  if (playground) t.after(() => playground.close())
  const channel = setup.slack?.channel ?? 'C0BACKUPS'
  const slack = playground && {
    bot_token: setup.slack?.bot ?? playground.tokens.bot,
    app_token: playground.tokens.app,
    channel_id: channel,
    api_url: playground.apiUrl,
  }
  const global = { ...(slack && { slack }), ...setup.global }
  const world = await makeWorld(t, { clock: systemClock, ...setup, global })
  world.context.notifiers = async () => (playground ? [faceOf(world).notifier] : [])
  return world
}

function faceOf({ context }: World): ReturnType<typeof startSlack> {
  const connection = context.config.slack!
  return startSlack({
    connection,
    routing: () => connection.routing,
    routings: () => routingsOf(connection.routing, context.config.strategies),
    ask: () => Promise.reject(new Error('nobody asks')),
    gate: openGate,
    record: () => Promise.resolve(),
    groupsToAsk: () => groupsToAsk(context.config.access),
    firstTime: () => Promise.resolve(true),
    clock: systemClock,
    log: silentLog,
  })
}

async function found(world: World): Promise<Check[]> {
  return (await world.engine.doctor(null)).flatMap(({ checks }) => checks)
}

/** The one line that is wrong; everything else must be well. */
async function wrong(world: World): Promise<Check> {
  const failed = (await found(world)).filter(({ state }) => state === 'failed')
  assert.equal(failed.length, 1, JSON.stringify(failed, null, 2))
  assert.ok(failed[0]!.hint, `what to do about: ${failed[0]!.text}`)
  return failed[0]!
}

suite('doctor on PostgreSQL', needPostgres, () => {
  let server: PostgresServer
  before(async () => {
    server = await startPostgres()
    await fillSample(server, 'shop', 10)
  })
  after(() => server.close())

  test('a healthy set-up is green, one line each, in one screen', async (t) => {
    const world = await set(t, { postgres: server, withSlack: true })
    const checks = await found(world)
    assert.deepEqual(
      checks.map(({ name, state }) => `${name} ${state}`),
      'configuration,shop,disk,temp_dir,state_dir,Slack,scopes,channel,commands,clock'
        .split(',')
        .map((name) => `${name} ok`),
    )
    const database = checks.find(({ name }) => name === 'shop')!.text
    assert.match(database, /PostgreSQL \d.* · pg_dump \d.* · every table can be read · user .* may create/)
    assert.deepEqual(await leftovers(world), [], 'nothing is left behind')
  })

  test('1 wrong database password', async (t) => {
    const url = server.url('shop').replace(server.password, 'wrong-password')
    const world = await set(t, { strategies: { shop: { database_url: url } } })
    const { name, text } = await wrong(world)
    assert.equal(name, 'shop')
    assert.match(text, /password/)
    assert.doesNotMatch(JSON.stringify(await found(world)), /wrong-password/)
  })

  test('2 database unreachable', async (t) => {
    const world = await set(t, {
      strategies: { shop: { database_url: 'postgres://u:pass-word@127.0.0.1:1/shop' } },
    })
    assert.match((await wrong(world)).text, /127\.0\.0\.1:1/)
  })

  test('3 database missing', async (t) => {
    const world = await set(t, { strategies: { shop: { database_url: server.url('shopp') } } })
    assert.match((await wrong(world)).text, /shopp/)
  })

  test('4 pg client too old, or missing', async (t) => {
    const world = await set(t, { postgres: server })
    const old = await stubTool(world.folder, 'pg_dump', 'exit 1', { version: 'pg_dump (PostgreSQL) 9.6.1' })
    for (const [folders, problem] of [
      [[], /pg_dump is not installed/],
      [[old], /pg_dump 9\.6\.1 is too old/],
    ] as const) {
      const here = await set(t, {
        postgres: server,
        onlyPath: '/nowhere',
        adjust: (context) => ({ ...context, sourceDrivers: [createPostgres(folders)] }),
      })
      const { text, hint } = await wrong(here)
      assert.match(text, problem)
      assert.match(hint!, /postgresql-client/)
    }
  })

  test('12 clock wrong', async (t) => {
    const clock = fastClock(1, Date.now())
    clock.jump(-10 * 60_000)
    const world = await set(t, { postgres: server, withSlack: true, clock })
    const failed = (await found(world)).filter(({ state }) => state === 'failed')
    assert.ok(failed.some(({ text }) => /this host is 10 min behind Slack/.test(text)))
    assert.ok(failed.every(({ name, hint }) => name === 'clock' && /timedatectl/.test(hint!)))
  })
})

suite('doctor on places and folders', () => {
  test('5 storage folder missing', async (t) => {
    const world = await set(t)
    await rm(world.storageDir, { recursive: true })
    const { name, text, hint } = await wrong(world)
    assert.equal(name, 'disk')
    assert.match(text, /is not there/)
    assert.match(hint!, /mkdir -p/)
  })

  test('5b another disk than the one with the backups', async (t) => {
    const world = await set(t)
    await world.backup()
    await rm(world.storageDir, { recursive: true })
    await mkdir(world.storageDir)
    assert.match((await wrong(world)).text, /is gone: another disk/)
  })

  test('6 storage read-only', needMount, async (t) => {
    const storageDir = await smallDisk(t, '2m')
    const world = await set(t, { storageDir })
    execFileSync('mount', ['-o', 'remount,ro', storageDir])
    const { text, hint } = await wrong(world)
    assert.match(text, /mounted read-only/)
    assert.match(hint!, /mount it writable/)
  })

  test('7 S3 denied', async (t) => {
    const s3 = await startS3(t)
    const world = await set(t, { global: { storages: { offsite: { type: 's3', ...s3.options() } } } })
    assert.deepEqual(
      (await found(world)).filter(({ state }) => state === 'failed'),
      [],
    )
    s3.deny('PutObject')
    const { name, text } = await wrong(world)
    assert.equal(name, 'offsite')
    assert.match(text, /denied|refused/)
  })

  test('8 temp_dir full, read-only, or a file', async (t) => {
    if (!needMount.skip) {
      const tempDir = await smallDisk(t, '512k')
      assert.match((await wrong(await set(t, { tempDir }))).text, /no space left/)
      execFileSync('mount', ['-o', 'remount,ro', tempDir])
      const { name, text, hint } = await wrong(await set(t, { tempDir }))
      assert.equal(name, 'temp_dir')
      assert.ok(text.includes(tempDir))
      assert.match(hint!, /point temp_dir to another folder/)
    }
    const world = await set(t)
    await rm(world.tempDir, { recursive: true })
    await writeFile(world.tempDir, '')
    assert.match((await wrong(world)).hint!, /temp_dir/)
  })
})

suite('doctor on Slack', () => {
  test('9 token revoked', async (t) => {
    const world = await set(t, { withSlack: true, slack: { bot: 'xoxb-revoked-token' } })
    const { name, text, hint } = await wrong(world)
    assert.equal(name, 'Slack')
    assert.match(text, /sign-in failed: (invalid_auth|token_revoked)/)
    assert.match(hint!, /slack\.bot_token/)
  })

  test('10 scope missing', async (t) => {
    const scopes = [
      'chat:write',
      'commands',
      'usergroups:read',
      'users:read',
      'channels:read',
      'groups:read',
      'chat:write.public',
      'connections:write',
    ]
    const world = await set(t, { withSlack: true, slack: { scopes } })
    const { text, hint } = await wrong(world)
    assert.match(text, /files:write is missing: attaching logs/)
    assert.match(hint!, /install it to the workspace again/)
  })

  test('11 channel not found, archived, or without the bot', async (t) => {
    const scopes = [
      'chat:write',
      'commands',
      'files:write',
      'usergroups:read',
      'users:read',
      'channels:read',
      'groups:read',
      'connections:write',
    ]
    const nowhere = await set(t, { withSlack: true, slack: { channel: 'C0NOWHERE' } })
    assert.match((await wrong(nowhere)).text, /C0NOWHERE: there is no such channel/)
    const outside = await set(t, {
      withSlack: true,
      slack: {
        channel: 'C0GENERAL0',
        scopes,
        channels: [{ id: 'C0GENERAL0', name: 'general', members: [] }],
      },
    })
    const { text, hint } = await wrong(outside)
    assert.match(text, /the bot is not a member of #general/)
    assert.match(hint!, /\/invite/)
  })

  test('nothing is posted by looking', async (t) => {
    const playground = await startPlayground({ rateLimits: false })
    t.after(() => playground.close())
    const { bot, app } = playground.tokens
    const slack = { bot_token: bot, app_token: app, channel_id: 'C0BACKUPS', api_url: playground.apiUrl }
    const world = await makeWorld(t, { clock: systemClock, global: { slack } })
    world.context.notifiers = async () => [faceOf(world).notifier]
    await world.engine.doctor(null)
    assert.deepEqual(playground.messages('C0BACKUPS'), [])
    assert.deepEqual(playground.transcript('chat.postMessage'), [])
  })
})

test('one strategy alone needs only its own places', async (t) => {
  const world = await set(t, {
    strategies: { shop: {}, blog: { database_url: 'postgres://u:pass-word@127.0.0.1:1/blog' } },
  })
  const checks = (await world.engine.doctor('shop')).flatMap((part) => part.checks)
  assert.deepEqual(
    checks.filter(({ state }) => state === 'failed'),
    [],
  )
  assert.ok(!checks.some(({ name }) => name === 'blog'))
  await assert.rejects(world.engine.doctor('nothing'), { code: 'not-found' })
})

async function leftovers({ tempDir, storageDir }: World): Promise<string[]> {
  return [...(await readdir(tempDir)), ...(await readdir(storageDir))]
}
