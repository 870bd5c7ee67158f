import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { notifiersOf } from '../../src/app/notifiers.ts'
import { status } from '../../src/commands/status.ts'
import { deliverUntil } from '../../src/engine/deliver.ts'
import { figuresOf } from '../../src/engine/figures.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { headerOf, startMailServer, type MailServer } from '../support/mail-server.ts'
import { startWebServer } from '../support/web-server.ts'
import { makeWorld, type World } from '../support/world.ts'

const password = 'canary-of-the-mail-server'
const minute = 60_000

interface Scene {
  world: World
  clock: FastClock
  server: MailServer
  /** Tells until the test ends, or until it is called: then waits for the end. */
  tell(): () => Promise<void>
  /** Loads the same configuration again. */
  reload(): void
}

const subjects = ({ mails }: MailServer): (string | null)[] => mails.map((mail) => headerOf(mail, 'Subject'))

interface Wanted {
  on?: string[]
  config?: Record<string, unknown>
  speed?: number
  strategies?: Record<string, Record<string, unknown>>
  more?: unknown[]
}

/** An engine with a mail server of its own; a notifier stands for Slack. */
async function scene(
  t: TestContext,
  { on = ['both'], config, speed = 50, strategies, more = [] }: Wanted = {},
): Promise<Scene> {
  const server = await startMailServer(t, { user: 'backups', password })
  const clock = fastClock(speed)
  const address = {
    smtp_host: 'localhost',
    smtp_port: server.port,
    verify: false,
    username: 'backups',
    password,
  }
  const mail = {
    type: 'email',
    on,
    config: { ...address, from: 'b@example.com', to: 'ops@example.com', ...config },
  }
  const world = await makeWorld(t, {
    clock,
    global: { notifications: [mail, ...more] },
    ...(strategies && { strategies }),
  })
  const { context } = world
  context.notifiers = notifiersOf(context, () => Promise.resolve(world.notifier))
  const over: (() => Promise<void>)[] = []
  t.after(async () => Promise.all(over.map((end) => end())))
  return {
    world,
    clock,
    server,
    tell: () => {
      const stop = new AbortController()
      const telling = deliverUntil(context, stop.signal)
      const end = async (): Promise<void> => {
        stop.abort(new Error('stopped'))
        await telling
      }
      over.push(end)
      return end
    },
    reload: () => void (context.config = { ...context.config }),
  }
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 3_000; tries++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.fail(`never: ${what}`)
}

async function owesNothing({ engine }: World): Promise<boolean> {
  return (await engine.notifiers()).every(({ owed }) => owed === 0)
}

suite('mail beside Slack', () => {
  test('each end is mailed once, also across a restart, and never a start or progress', async (t) => {
    const { world, server, tell } = await scene(t)
    const stop = tell()
    await world.backup()
    await until('a mail', () => server.mails.length === 1)
    await until('nothing is owed', () => owesNothing(world)) // who stops before the server's answer sends it once more
    await stop()
    tell()
    await world.backup()
    await until('a second mail', () => server.mails.length === 2)
    await until('nothing is owed', () => owesNothing(world))
    assert.equal(server.mails.length, 2)
    for (const subject of subjects(server)) assert.match(subject!, /^shop: backup succeeded/)
  })

  test('a first start tells nothing of the days before', async (t) => {
    const { world, clock, server, tell } = await scene(t)
    await world.backup()
    clock.jump(2 * 60 * minute)
    tell()
    await world.backup()
    await until('a mail', () => server.mails.length > 0)
    await until('nothing is owed', () => owesNothing(world))
    assert.equal(server.mails.length, 1)
  })

  test('a run that timed out is told as well', async (t) => {
    const { world, server, tell } = await scene(t, {
      speed: 2_000,
      strategies: { shop: { timeout: { backup: '1s' } } },
    })
    tell()
    const run = await world.backup()
    assert.deepEqual([run.state, run.fault?.code], ['failed', 'timed-out'])
    await until('a mail', () => server.mails.length === 1)
    assert.match(subjects(server)[0]!, /^shop: backup failed: /)
  })

  test('one that was cut off after it was handed over is sent once more at most, under the same id', async (t) => {
    const { world, clock, server, tell } = await scene(t)
    server.cut = true
    tell()
    await world.backup()
    await until('a second try', () => server.mails.length === 2)
    clock.jump(10 * 60 * minute)
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.equal(server.mails.length, 2)
    const [first, second] = server.mails.map((mail) => headerOf(mail, 'Message-ID'))
    assert.equal(first, second)
  })
})

suite('a notifier that cannot work', () => {
  test('fails no run, is switched off, and that is said wherever somebody looks', async (t) => {
    const { world, server, tell, reload } = await scene(t, { config: { password: `not ${password}` } })
    tell()
    const run = await world.backup()
    assert.equal(run.state, 'succeeded')
    const isSaid = (): boolean =>
      world.notifier.posts.some(({ key }) => key.startsWith('notice/notifier/email/'))
    await until('a word in Slack', isSaid)
    const notice = world.notifier.posts.find(({ key }) => key.startsWith('notice/'))!.shown[0]!.body
    assert.ok(notice.type === 'notice' && notice.urgent)
    assert.equal(notice.title, 'Notifications by email are switched off')
    assert.match(notice.text, /refused the sign-in/)
    assert.equal((await world.backup()).state, 'succeeded')
    assert.equal(server.signIns.length, 1, 'it is not tried again')

    const { engine, context } = world
    const [view] = (await engine.notifiers()).filter(({ name }) => name === 'email')
    assert.match(view!.off!.why, /refused the sign-in/)
    const shown = await status.run({}, { engine } as never)
    assert.match(
      shown.type === 'table' ? shown.table.summary : '',
      /email is switched off: .*refused the sign-in/,
    )
    const [part] = (await engine.doctor(null)).filter(({ title }) => title === 'notifications')
    assert.deepEqual(
      part!.checks.map(({ state }) => state),
      ['failed', 'failed'],
    )
    const figures = async () => figuresOf(context, await engine.strategies())
    const metrics = await createMetrics({ watch: () => undefined, figures, version: '0' })()
    assert.match(metrics.text, /easy_backup_notifier_off\{notifier="email"\} 1/)

    for (const kept of [...world.logged, ...bytesIn(world.stateDir), metrics.text, JSON.stringify(part)])
      assert.ok(!kept.includes(password), 'a secret')

    reload()
    await until('another chance', () => server.signIns.length >= 2)
  })

  test('is given another chance by a reload, and what it missed is told then', async (t) => {
    const { world, server, tell, reload } = await scene(t)
    server.refuse = { status: 550, text: 'nobody of this name' }
    tell()
    await world.backup()
    await until('switched off', async () => (await world.engine.notifiers()).some(({ off }) => off !== null))
    server.refuse = null
    reload()
    await until('a mail', () => server.mails.length > 0)
    assert.match(subjects(server)[0]!, /^shop: backup succeeded/)
    assert.deepEqual(
      (await world.engine.notifiers()).filter(({ off }) => off !== null),
      [],
    )
  })

  test('keeps no other waiting', async (t) => {
    const web = await startWebServer(t)
    web.silent = true
    const hook = { type: 'webhook', on: ['success'], config: { url: `${web.url}/`, allow_private: true } }
    const { world, server, tell } = await scene(t, { more: [hook] })
    tell()
    await world.backup()
    await until('a mail', () => server.mails.length === 1)
    assert.equal(world.notifier.posts.length > 0, true)
  })
})

test('a test is sent through each, and says what each answered', async (t) => {
  const web = await startWebServer(t)
  web.answer = { status: 500, body: 'out of order' }
  const hook = { type: 'webhook', name: 'on-call', config: { url: `${web.url}/`, allow_private: true } }
  const { world, server } = await scene(t, { more: [hook] })
  const ann = { via: 'slack', id: 'U0ANN0001' } as const
  const tested = await world.engine.testNotifiers(null, ann)
  assert.deepEqual(
    tested.map(({ name, ok, text }) => [name, ok, text.split(':')[0]]),
    [
      ['recording', true, 'the message was posted'],
      ['email', true, 'localhost took it'],
      ['on-call', false, 'answered 500'],
    ],
  )
  assert.match(JSON.stringify(world.notifier.posts), /Asked by U0ANN0001: notifications work/)
  assert.equal(server.mails.length, 1)
  assert.deepEqual(
    (await world.engine.testNotifiers('email', ann)).map(({ name }) => name),
    ['email'],
  )
})

function bytesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
}
