import assert from 'node:assert/strict'
import { renameSync, rmSync } from 'node:fs'
import { suite, test, type TestContext } from 'node:test'
import type { Person } from '../../src/commands/command.ts'
import type { RequestState, RequestView } from '../../src/core/model.ts'
import { takeUpRequests } from '../../src/engine/requests.ts'
import { endOverdue, pingAgain } from '../../src/engine/requests/overdue.ts'
import {
  isPrecious,
  makePrecious,
  officeOf,
  people,
  protectedWorld,
  told,
  type Office,
} from '../support/approvals.ts'
import { until } from '../support/bot.ts'
import { fastClock, type FastClock } from '../support/fast-clock.ts'
import { onHost, slackPerson } from '../support/gate.ts'
import { makeWorld, person as ann, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const minute = 60_000

interface Scene {
  world: World
  office: Office
  clock: FastClock
  precious: string
}

async function scene(t: TestContext): Promise<Scene> {
  const clock = fastClock(20)
  const world = await makeWorld(t, { clock, ...protectedWorld })
  await world.backup()
  return { world, office: officeOf(world), clock, precious: makePrecious(world) }
}

const stateOf = async ({ engine }: World, { id }: { id: string }): Promise<RequestState> =>
  (await engine.request(id)).state

interface Row {
  act: string
  result: string
  actor: string
  detail: string | null
}

async function auditOf({ context }: World, id: string): Promise<Row[]> {
  const rows = await context.database.read
    .selectFrom('audit')
    .selectAll()
    .where('subject', '=', id)
    .orderBy('seq')
    .execute()
  return rows.map(({ act, result, actor, detail }) => ({
    act,
    result,
    detail,
    actor: (JSON.parse(actor) as { id: string }).id,
  }))
}

suite('nobody overwrites a protected database alone (promises 11 and 18)', () => {
  test('asked by one, approved by another: it runs, and the card is the record', async (t) => {
    const { world, office, precious } = await scene(t)
    const asked = await office.file()
    assert.deepEqual([asked.state, asked.needs.second, asked.needs.whom], ['waiting', true, ['S0LEADS01']])
    const reply = await office.click('approve', asked, office.person(people.carol), {
      reason: 'looked at it',
    })
    assert.ok(reply.type === 'run')
    assert.equal(await stateOf(world, asked), 'approved')
    assert.ok(isPrecious(precious), 'nothing happens before the run')
    assert.equal((await world.finish(reply.run.id)).state, 'succeeded')
    const now = await world.engine.request(asked.id)
    assert.deepEqual(
      [now.state, now.decidedBy?.id, now.decision, now.brokeGlass],
      ['done', people.carol, 'looked at it', false],
    )
    assert.ok(!isPrecious(precious))
    await world.deliver()
    assert.deepEqual(told(world, asked.id).toSorted(), [
      `request/${asked.id}`,
      `request/${asked.id}/told/approved`,
      `request/${asked.id}/told/done`,
    ])
    const rows = await auditOf(world, asked.id)
    assert.deepEqual(
      rows.map(({ act, result, actor }) => `${act} ${result} ${actor}`),
      [
        `restore.request allowed ${people.boss}`,
        'restore.plan allowed easy-backup',
        `restore.approve allowed ${people.carol}`,
        'restore.start allowed easy-backup',
        'restore.run done easy-backup',
      ],
    )
    await assertWorld(world)
  })

  test('a second click is told by whom and when it was approved, and the refusal is in the audit log', async (t) => {
    const { world, office } = await scene(t)
    const asked = await office.file()
    await office.click('approve', asked, office.person(people.carol))
    await assert.rejects(office.click('approve', asked, office.person(people.dora)), {
      code: 'stale',
      message: /^this restore was already approved by @U0CAROL01 at \d\d:\d\d UTC$/,
    })
    await assert.rejects(office.click('reject', asked, office.person(people.dora), { reason: 'no' }), {
      code: 'stale',
    })
    const refused = (await auditOf(world, asked.id)).filter(({ result }) => result === 'refused')
    assert.deepEqual(
      refused.map(({ act, actor }) => `${act} ${actor}`),
      [`restore.approve ${people.dora}`, `restore.reject ${people.dora}`],
    )
  })

  /** Everybody who might click, and what they get. */
  const clicks: [who: string, person: (office: Office) => Person, code: string | null][] = [
    ['a lead', (office) => office.person(people.carol), null],
    [
      'a lead who is an admin of the workspace',
      (office) => office.person(people.dora, { admin: true }),
      null,
    ],
    [
      'an admin of ours, who includes every role',
      (office) => office.person('U0CHIEF01', { inGroup: async () => true }),
      null,
    ],
    ['the one who asked, though an admin', (office) => office.person(people.boss), 'denied'],
    [
      'the one who asked, also when a lead',
      (office) => (office.leads.push(people.boss), office.person(people.boss)),
      'denied',
    ],
    ['one who may restore', (office) => office.person(people.bob), 'denied'],
    ['a workspace admin without the role', (office) => office.person(people.eve, { admin: true }), 'denied'],
    ['a stranger', (office) => office.person(people.eve), 'denied'],
    ['a guest, though a lead', (office) => office.person(people.carol, { outsider: 'guests' }), 'denied'],
    [
      'one from outside, though a lead',
      (office) => office.person(people.carol, { outsider: 'people from other workspaces' }),
      'denied',
    ],
    ['a bot, though a lead', (office) => office.person(people.carol, { outsider: 'bots' }), 'denied'],
    [
      'one who was a lead when it was asked',
      (office) => (office.leads.splice(0), office.person(people.carol)),
      'denied',
    ],
    [
      'a lead while Slack does not say who is one',
      () => slackPerson(people.carol, [], { inGroup: () => Promise.reject(new Error('ratelimited')) }),
      'denied',
    ],
    [
      'a lead of whom nothing can be looked up',
      () => ({ actor: { via: 'slack', id: people.carol }, admin: false, outsider: null }),
      'denied',
    ],
    ['the one on the host', () => onHost, null],
  ]

  test('each click is judged by who clicks, as Slack knows them now', async (t) => {
    const { world, precious } = await scene(t)
    for (const [who, person, code] of clicks)
      await t.test(`${who} ${code === null ? 'may approve' : 'may not approve, and reads why'}`, async () => {
        const office = officeOf(world) // with its leads
        const asked = await office.file()
        const click = office.click('approve', asked, person(office))
        if (code === null) {
          assert.ok((await click).type === 'run')
          return
        }
        await assert.rejects(click, { code })
        assert.equal(await stateOf(world, asked), 'waiting')
        assert.ok(isPrecious(precious))
        const { read } = world.context.database
        const rows = await read.selectFrom('audit').selectAll().orderBy('seq').execute()
        assert.equal(rows.at(-1)?.result, 'refused')
      })
  })

  test('a team of one says so, and then the one who asked may approve', async (t) => {
    const global = { access: { ...(protectedWorld.global!['access'] as object), allow_self_approval: true } }
    const world = await makeWorld(t, { ...protectedWorld, global })
    await world.backup()
    makePrecious(world)
    const office = officeOf(world)
    const asked = await office.file()
    assert.ok((await office.click('approve', asked, office.person(people.boss))).type === 'run')
  })

  test('without the name typed, without a reason or without the role it is not even asked', async (t) => {
    const { world, office } = await scene(t)
    const boss = office.person(people.boss)
    const base = 'restore shop --target-db precious.db --clean'
    await assert.rejects(office.ask({ words: `${base} --reason why` }, boss), {
      code: 'usage',
      message: /^type precious.db/,
    })
    await assert.rejects(office.ask({ words: `${base} --reason why --typed precious` }, boss), {
      code: 'usage',
    })
    await assert.rejects(office.ask({ words: `${base} --typed precious.db` }, boss), {
      code: 'usage',
      message: /needs a reason/,
    })
    await assert.rejects(office.file(office.person(people.bob)), { code: 'denied' })
    assert.deepEqual(await world.engine.requests(), [])
  })

  test('a protected strategy is restored beside by one click, of whoever asked alone', async (t) => {
    const { world, office } = await scene(t)
    const bob = office.person(people.bob)
    const reply = await office.ask({ words: 'restore shop' }, bob)
    assert.ok(reply.type === 'plan')
    assert.deepEqual([reply.request.state, reply.request.needs.second], ['planned', false])
    await assert.rejects(office.click('confirm', reply.request, office.person(people.carol)), {
      code: 'denied',
    })
    await assert.rejects(office.click('approve', reply.request, office.person(people.carol)), {
      code: 'stale',
    })
    const confirmed = await office.click('confirm', reply.request, bob)
    assert.ok(confirmed.type === 'run')
    assert.equal((await world.finish(confirmed.run.id)).state, 'succeeded')
  })
})

test('in place of a protected database: asked by one who may restore, done by another’s click', async (t) => {
  const { world, office } = await scene(t)
  const words = 'restore shop --in-place --typed shop.db --reason "wrong import"'
  const reply = await office.ask({ words }, office.person(people.bob))
  assert.ok(reply.type === 'plan' && reply.request.kind === 'restore')
  const { state, needs, plan } = reply.request
  assert.deepEqual(
    [state, needs.second, needs.role, plan.target.mode],
    ['waiting', true, 'restore', 'in-place'],
  )
  const approved = await office.click('approve', reply.request, office.person(people.dora))
  assert.ok(approved.type === 'run')
  const run = await world.finish(approved.run.id)
  assert.deepEqual([run.state, run.fault], ['succeeded', null])
  assert.equal(await stateOf(world, reply.request), 'done')
})

suite('what was approved is what is done (promise 11)', () => {
  const drifts: [what: string, change: (scene: Scene) => void, words: RegExp][] = [
    ['is gone', ({ precious }) => rmSync(precious), /precious.db is gone/],
    [
      'is another file',
      ({ world, precious }) => renameSync(makePrecious(world, 'new.db'), precious),
      /is another database now/,
    ],
  ]
  for (const [what, change, words] of drifts) {
    test(`a target that ${what} at the click voids the request and says so`, async (t) => {
      const all = await scene(t)
      const { world, office } = all
      const asked = await office.file()
      change(all)
      await assert.rejects(office.click('approve', asked, office.person(people.carol)), {
        code: 'stale',
        message: words,
      })
      const now = await world.engine.request(asked.id)
      assert.deepEqual([now.state, now.run, now.decidedBy?.via], ['cancelled', null, 'service'])
      assert.match(now.fault!.text, words)
      await world.deliver()
      assert.ok(told(world, asked.id).includes(`request/${asked.id}/told/cancelled`))
    })

    test(`a target that ${what} between the click and the run is not touched`, async (t) => {
      const all = await scene(t)
      const { world, office } = all
      const asked = await office.file()
      const reply = await office.click('approve', asked, office.person(people.carol))
      assert.ok(reply.type === 'run')
      change(all)
      const run = await world.finish(reply.run.id)
      assert.deepEqual([run.state, run.fault?.code], ['failed', 'stale'])
      assert.match(run.fault!.text, words)
      assert.equal(await stateOf(world, asked), 'failed')
      await world.deliver()
      await assertWorld(world)
    })
  }

  test('another configuration voids what was approved before its run began', async (t) => {
    const { world, office, precious } = await scene(t)
    const asked = await office.file()
    const reply = await office.click('approve', asked, office.person(people.carol))
    assert.ok(reply.type === 'run')
    const global = { ...protectedWorld.global, timezone: 'Europe/Paris' }
    const changed = await makeWorld(t, { ...protectedWorld, global, folder: world.folder })
    const run = await changed.finish(reply.run.id)
    assert.match(run.fault!.text, /the configuration changed/)
    assert.ok(isPrecious(precious))
  })

  test('what nobody approved in time is not done, also by a click that comes later', async (t) => {
    const { world, office, clock, precious } = await scene(t)
    const asked = await office.file()
    clock.jump(31 * minute)
    await assert.rejects(office.click('approve', asked, office.person(people.carol)), { code: 'expired' })
    assert.equal(await stateOf(world, asked), 'expired')
    assert.ok(isPrecious(precious))
    await world.deliver()
    assert.ok(told(world, asked.id).includes(`request/${asked.id}/told/expired`))
  })

  test('what was approved and does not start within a quarter of an hour is not done any more', async (t) => {
    const { world, office, clock, precious } = await scene(t)
    const asked = [await office.file(), await office.file()] as const
    const runs: string[] = []
    for (const one of asked) {
      const reply = await office.click('approve', one, office.person(people.carol))
      assert.ok(reply.type === 'run')
      runs.push(reply.run.id)
    }
    clock.jump(16 * minute)
    const late = await world.finish(runs[0]!) // a worker that comes too late finds out itself
    assert.deepEqual([late.state, late.fault?.code], ['failed', 'expired'])
    await endOverdue(world.context)
    assert.deepEqual([await stateOf(world, asked[0]), await stateOf(world, asked[1])], ['expired', 'expired'])
    assert.equal((await world.engine.run(runs[1]!)).state, 'cancelled')
    assert.ok(isPrecious(precious))
    await world.deliver()
    await assertWorld(world)
  })
})

suite('who is called, and when', () => {
  test('it is said again ever less often while it waits, and never after its end', async (t) => {
    const { world, office, clock } = await scene(t)
    const asked = await office.file()
    const pings = async (): Promise<number> => {
      await pingAgain(world.context)
      await world.deliver()
      return told(world, asked.id).filter((key) => key.includes('/ping/')).length
    }
    const said: number[] = [await pings()]
    for (const minutes of [5, 5, 3, 5, 5]) {
      clock.jump(minutes * minute)
      said.push(await pings())
    }
    assert.deepEqual(said, [0, 1, 1, 2, 2, 3])
    await office.click('reject', asked, office.person(people.carol), { reason: 'not today' })
    clock.jump(minute)
    assert.equal(await pings(), 3)
    const [first] = world.notifier.seen(`request/${asked.id}/ping/1`)
    assert.ok(first?.body.type === 'request.ping' && first.body.over, 'and nobody is needed any more')
  })

  test('whoever asked is told directly that it was rejected, by whom and why', async (t) => {
    const { world, office } = await scene(t)
    const asked = await office.file()
    await office.click('reject', asked, office.person(people.carol), { reason: 'the shop is open' })
    await world.deliver()
    const [word] = world.notifier.seen(`request/${asked.id}/told/rejected`)
    assert.ok(word?.body.type === 'request.told')
    const { to, request } = word.body
    assert.deepEqual(
      [to, request.decidedBy?.id, request.decision],
      [people.boss, people.carol, 'the shop is open'],
    )
  })

  test('who asked may withdraw; that needs no word to anybody', async (t) => {
    const { world, office } = await scene(t)
    const asked = await office.file()
    await assert.rejects(office.click('dismiss', asked, office.person(people.carol)), { code: 'denied' })
    await office.click('dismiss', asked, office.person(people.boss))
    assert.equal(await stateOf(world, asked), 'cancelled')
    await world.deliver()
    assert.deepEqual(told(world, asked.id), [`request/${asked.id}`])
  })
})

suite('on the host the glass can be broken', () => {
  const words = 'restore shop --target-db precious.db --clean'

  async function onHostAsked({ office }: Scene, reason: string | null): Promise<RequestView> {
    const reply = await office.ask(
      { words: reason === null ? words : `${words} --reason "${reason}"` },
      onHost,
    )
    assert.ok(reply.type === 'plan' && reply.request.state === 'planned')
    return reply.request as RequestView
  }

  test('with a reason it runs at once, is called out, and an admin reviews it once', async (t) => {
    const all = await scene(t)
    const { world, office, precious } = all
    const asked = await onHostAsked(all, 'nobody is awake')
    const reply = await office.click('confirm', asked, onHost)
    assert.ok(reply.type === 'run')
    assert.equal((await world.finish(reply.run.id)).state, 'succeeded')
    assert.ok(!isPrecious(precious))
    const now = await world.engine.request(asked.id)
    assert.deepEqual([now.brokeGlass, now.reason, now.decidedBy], [true, 'nobody is awake', onHost.actor])
    await world.deliver()
    assert.ok(told(world, asked.id).includes(`request/${asked.id}/glass`))
    const row = (await auditOf(world, asked.id)).find(({ act }) => act === 'restore.confirm')
    assert.match(row!.detail!, /without the second person/)
    const review = (by: Person) => office.ask({ name: 'review', args: { request: asked.id } }, by)
    await assert.rejects(review(office.person(people.carol)), { code: 'denied' })
    await review(office.person(people.boss))
    await assert.rejects(review(onHost), { code: 'stale', message: /already reviewed by @U0BOSS001/ })
    assert.equal((await world.engine.request(asked.id)).reviewedBy?.id, people.boss)
  })

  test('without a reason it waits for the second person, whose click runs it', async (t) => {
    const all = await scene(t)
    const { world, office } = all
    const asked = await onHostAsked(all, null)
    const reply = await office.click('confirm', asked, onHost)
    assert.ok(reply.type === 'plan' && reply.request.state === 'waiting' && reply.request.run === null)
    const approved = await office.click('approve', reply.request, office.person(people.carol))
    assert.ok(approved.type === 'run')
    assert.equal((await world.engine.request(asked.id)).brokeGlass, false)
  })

  test('what was asked in Slack can be approved on the host: the card follows; one’s own there only with a reason', async (t) => {
    const all = await scene(t)
    const { world, office } = all
    const inSlack = await office.file()
    assert.ok((await office.ask({ name: 'approve', args: { request: inSlack.id } }, onHost)).type === 'run')
    await world.deliver()
    const [card] = world.notifier.seen(`request/${inSlack.id}`)
    assert.ok(card?.body.type === 'request.card')
    assert.deepEqual([card.body.request.state, card.body.request.brokeGlass], ['approved', true])
    const own = await onHostAsked(all, null)
    await office.click('confirm', own, onHost)
    const approve = (more: object) =>
      office.ask({ name: 'approve', args: { request: own.id, ...more } }, onHost)
    await assert.rejects(approve({}), { code: 'denied', hint: /--reason/ })
    assert.ok((await approve({ reason: 'alone tonight' })).type === 'run')
  })

  test('`requests` lists what waits', async (t) => {
    const { office } = await scene(t)
    const asked = await office.file()
    const reply = await office.ask({ words: 'requests' }, office.person(people.carol))
    assert.ok(reply.type === 'table')
    assert.deepEqual(
      reply.table.rows.map(({ id }) => id),
      [asked.id],
    )
  })
})

suite('a service that died', () => {
  test('plans again what was asked for, and tells who asked when there is no plan', async (t) => {
    const { world } = await scene(t)
    const { database } = world.context
    const usual = {
      backup: 'latest',
      strategy: 'shop',
      targetDb: null,
      targetUrl: null,
      noOwner: false,
      reason: null,
    }
    const before = world.context.database.write
    // dies right after the ask is durable
    const asks = [usual, { ...usual, backup: 'nnnn' }].map(async (ask) => {
      let writes = 0
      const dying = {
        ...world.context,
        database: {
          ...database,
          write: ((work) => (++writes > 1 ? new Promise(() => undefined) : before(work))) as typeof before,
        },
      }
      const { fileRequest } = await import('../../src/engine/restore/requests.ts')
      void fileRequest(dying, ask, { via: 'slack', id: people.bob }).catch(() => undefined)
    })
    await Promise.all(asks)
    await until(async () => (await world.engine.requests()).length === 2, 'both were filed')
    assert.deepEqual(
      (await world.engine.requests()).map(({ state }) => state),
      ['requested', 'requested'],
    )
    await takeUpRequests(world.context)
    const [planned, ...others] = await world.engine.requests()
    assert.deepEqual([planned!.state, planned!.version, others.length], ['planned', 1, 0])
    await world.deliver()
    const failed = world.notifier.posts.filter(({ key }) => key.endsWith('/told/failed'))
    assert.equal(failed.length, 1)
    assert.ok((await world.engine.confirm(planned!.id, 1, { via: 'slack', id: people.bob })).run)
  })

  test('a restart ends what is overdue and posts nothing twice', async (t) => {
    const { world, office, clock } = await scene(t)
    const old = await office.file()
    clock.jump(31 * minute)
    const fresh = await office.file()
    await world.deliver()
    await takeUpRequests(world.context)
    await takeUpRequests(world.context)
    await world.deliver()
    assert.deepEqual([await stateOf(world, old), await stateOf(world, fresh)], ['expired', 'waiting'])
    const keys = told(world, '')
    assert.deepEqual(keys, [...new Set(keys)])
    assert.equal(ann.id, 'ann')
  })
})
