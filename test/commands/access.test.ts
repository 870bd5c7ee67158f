import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import type { Ask } from '../../src/commands/ask.ts'
import { createAsk } from '../../src/commands/ask.ts'
import type { Reply } from '../../src/commands/reply.ts'
import type { AuditRow } from '../../src/core/audit.ts'
import { Fault } from '../../src/core/faults.ts'
import { findAudit } from '../../src/state/audit.ts'
import { listRuns } from '../../src/state/runs.ts'
import { askIn, onHost, openGate, slackPerson } from '../support/gate.ts'
import { makeWorld, type World, type WorldOptions } from '../support/world.ts'

const ann = slackPerson('U0ANN0001')
const bob = slackPerson('U0BOB0001', ['S0OPS0001'])
const eve = slackPerson('U0EVE0001')

/** `shop` and `blog` are for everyone, `payroll` is Bob's alone; only he may stop runs of `shop`. */
const options: WorldOptions = {
  global: { access: { operate: ['U0BOB0001'], admin: ['U0BOB0001'] } },
  strategies: {
    shop: { tags: ['web'], access: { operate: ['U0ANN0001', 'S0OPS0001'] } },
    blog: { tags: ['web'] },
    payroll: { access: { view: ['S0OPS0001'], operate: ['S0OPS0001'] } },
  },
}

async function scene(t: TestContext): Promise<{ world: World; ask: Ask; rows: () => Promise<AuditRow[]> }> {
  const world = await makeWorld(t, options)
  const rows = async (): Promise<AuditRow[]> =>
    (await findAudit(world.context.database.read, { limit: 100 })).toReversed()
  return { world, ask: askIn(world).ask, rows }
}

async function refused(asked: Promise<Reply>): Promise<Fault> {
  const fault = await asked.then(
    () => assert.fail('it was allowed'),
    (error: unknown) => error as Fault,
  )
  assert.equal(fault.code, 'denied', fault.message)
  return fault
}

const names = (reply: Reply): string[] =>
  reply.type === 'table' ? [...new Set(reply.table.rows.map(({ data }) => strategyIn(data)))].toSorted() : []

function strategyIn(data: unknown): string {
  const { strategy, name } = data as { strategy?: string; name?: string }
  return strategy ?? name!
}

async function acts(asked: Promise<Reply>): Promise<string[]> {
  const reply = await asked
  const rows = reply.type === 'table' ? reply.table.rows.map(({ data }) => data as AuditRow) : []
  return rows.map(({ act, strategy }) => (strategy === null ? act : `${act} ${strategy}`))
}

test('one backup is verified by everyone, all of them by those who may operate', async (t) => {
  const world = await makeWorld(t)
  const { ask } = askIn(world)
  await world.backup()
  const { message } = await refused(ask({ words: 'verify --all' }, ann))
  assert.match(message, /`verify --all` needs an admin or owner/)
  assert.equal((await ask({ words: 'verify shop' }, ann)).type, 'run')
  assert.equal((await ask({ words: 'verify --all' }, onHost)).type, 'run')
})

suite('what may not be looked at is not there', () => {
  test('lists, totals, help and hints leave it out, and the host sees all of it', async (t) => {
    const { world, ask } = await scene(t)
    for (const name of ['shop', 'blog', 'payroll']) await world.backup(name)
    for (const words of ['status', 'list', 'list all', 'retention explain', 'list --search 2']) {
      assert.deepEqual(names(await ask({ words }, ann)), ['blog', 'shop'], words)
      assert.deepEqual(names(await ask({ words }, bob)), ['blog', 'payroll', 'shop'], words)
      if (words !== 'list --search 2') assert.deepEqual(names(await ask({ words }, onHost)).length, 3, words)
    }
    for (const words of ['', 'status', 'list', 'schedule']) {
      const reply = await ask({ words }, ann)
      assert.doesNotMatch(JSON.stringify(reply), /payroll/, words)
    }
    for (const words of ['run payrol', 'status nope', 'show zzzz', 'list nope']) {
      const fault = await ask({ words }, ann).then(
        () => assert.fail(words),
        (error: unknown) => error as Fault,
      )
      assert.doesNotMatch(`${fault.message} ${fault.hint}`, /payroll\b/, words)
    }
  })

  test('of a limited list those that may be seen fill the limit', async (t) => {
    const { world, ask } = await scene(t)
    await world.backup('shop')
    await world.backup('payroll')
    const reply = await ask({ words: 'list --limit 1' }, ann)
    assert.deepEqual(names(reply), ['shop'])
    assert.doesNotMatch(reply.type === 'table' ? reply.table.summary : '', /shows more/)
  })

  test('an id does not open it: backup and run go by their strategy', async (t) => {
    const { world, ask, rows } = await scene(t)
    const run = await world.backup('payroll')
    const backup = run.backup!.id
    for (const words of [
      `show ${backup}`,
      `show ${backup.slice(-4)}`,
      `log ${run.id}`,
      'log payroll',
      'status payroll',
      'list payroll',
    ]) {
      const { message } = await refused(ask({ words }, ann))
      assert.match(message, / of payroll is for @S0OPS0001, /, words)
      await ask({ words }, bob)
    }
    const kept = (await rows()).filter(({ act }) => act === 'access.refused')
    assert.deepEqual(
      kept.map(({ subject }) => subject),
      [backup, backup, run.id, null, null, null],
    )
    assert.deepEqual(new Set(kept.map(({ strategy }) => strategy)), new Set(['payroll']))
  })
})

suite('acts on several strategies need each of them', () => {
  test('who may run one of them is refused all, hears which, and starts none', async (t) => {
    const { world, ask } = await scene(t)
    for (const [words, whose] of [
      ['run all', 'blog and payroll'],
      ['run tag:web', 'blog'],
      ['pause all', 'blog and payroll'],
      ['resume all', 'blog and payroll'],
    ] as const) {
      const { message, hint } = await refused(ask({ words }, ann))
      assert.match(message, new RegExp(`you may not \`${words.split(' ')[0]}\` ${whose}\\b`), words)
      assert.match(hint!, /name what you may: `\/backup \w+ shop`/)
    }
    assert.deepEqual(await listRuns(world.context.database.read, { limit: 10 }), [])
    assert.equal((await ask({ words: 'run shop' }, ann)).type, 'run')
    assert.equal((await ask({ words: 'run all' }, bob)).type, 'runs')
  })

  test('a run is cancelled by who may stop its strategy', async (t) => {
    const { world, ask } = await scene(t)
    const run = await world.engine.startBackup('blog', { trigger: 'person', actor: bob.actor })
    await refused(ask({ words: `cancel ${run.id}` }, ann))
    await refused(ask({ words: 'cancel blog' }, ann))
    assert.equal((await ask({ words: `cancel ${run.id}` }, bob)).type, 'run')
  })

  test('who just came into the group acts at once, whatever is remembered of them', async (t) => {
    const { ask } = await scene(t)
    const fresh = slackPerson('U0NEW0001', [], { inGroup: (_, { now }) => Promise.resolve(now) })
    assert.deepEqual(names(await ask({ words: 'status' }, fresh)), ['blog', 'shop'])
    assert.equal((await ask({ words: 'run payroll' }, fresh)).type, 'run')
  })
})

suite('decisions are kept in the audit log', () => {
  test('what is done is written before it is done, one row for each strategy, and its failure once more', async (t) => {
    const { ask, rows } = await scene(t)
    await ask({ words: 'pause tag:web 2h' }, bob)
    await ask({ words: 'run shop' }, ann)
    await assert.rejects(ask({ words: 'run shop' }, ann), { code: 'busy' })
    assert.deepEqual(
      (await rows()).map((row) => [
        row.act,
        row.actor.id,
        row.actor.team,
        row.strategy,
        row.result,
        row.detail,
      ]),
      [
        ['pause', 'U0BOB0001', 'T0EASYBKP', 'shop', 'allowed', '--time 2h'],
        ['pause', 'U0BOB0001', 'T0EASYBKP', 'blog', 'allowed', '--time 2h'],
        ['run', 'U0ANN0001', 'T0EASYBKP', 'shop', 'allowed', null],
        ['run', 'U0ANN0001', 'T0EASYBKP', 'shop', 'allowed', null],
        ['run', 'U0ANN0001', 'T0EASYBKP', 'shop', 'failed', 'a backup of shop is already under way'],
      ],
    )
  })

  test('a refusal is a row; what only looks is none', async (t) => {
    const { ask, rows } = await scene(t)
    await ask({ words: 'status' }, eve)
    await ask({ words: 'list' }, eve)
    assert.deepEqual(await rows(), [])
    await refused(ask({ words: 'cancel blog' }, eve))
    const [row, ...others] = await rows()
    assert.deepEqual(others, [])
    assert.deepEqual([row!.act, row!.actor.id, row!.result], ['access.refused', 'U0EVE0001', 'refused'])
  })

  test('what cannot be kept is not done', async (t) => {
    const { world } = await scene(t)
    const { engine, context } = world
    const record = (): Promise<void> => Promise.reject(new Error('disk full'))
    const ask = createAsk({ engine, gate: openGate, clock: context.clock, record })
    await assert.rejects(ask({ words: 'run shop' }, bob), /disk full/)
    assert.deepEqual(await listRuns(context.database.read, { limit: 10 }), [])
  })

  test('a secret that somebody gives as a reason is not kept', async (t) => {
    const { world, ask, rows } = await scene(t)
    await world.backup('shop')
    await ask({ name: 'pin', args: { backup: 'shop', note: `before ${world.canary} changes` } }, bob)
    const [row] = await rows()
    assert.deepEqual([row!.act, row!.reason], ['pin', 'before *** changes'])
  })

  test('an admin reads it, of one strategy or all; nobody else does', async (t) => {
    const { ask } = await scene(t)
    await ask({ words: 'pause shop 1h' }, ann)
    await ask({ words: 'pause blog 1h' }, bob)
    await refused(ask({ words: 'audit' }, ann))
    assert.deepEqual(await acts(ask({ words: 'audit' }, bob)), ['access.refused', 'pause blog', 'pause shop'])
    assert.deepEqual(await acts(ask({ words: 'audit shop --since 1d --limit 5' }, bob)), ['pause shop'])
    const whole = await ask({ words: 'audit --verify' }, onHost)
    assert.ok(whole.type === 'facts' && whole.fault === undefined)
    assert.match(whole.title, /^the audit log is whole: 3 rows/)
  })
})
