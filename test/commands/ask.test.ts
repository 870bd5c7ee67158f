import assert from 'node:assert/strict'
import { readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { appDoor } from '../../src/app.ts'
import type { App } from '../../src/cli/app-contract.ts'
import type { Person } from '../../src/commands/command.ts'
import type { Reply } from '../../src/commands/reply.ts'
import { makePlace, type Place } from '../cli/typist.ts'

const member: Person = { actor: { via: 'slack', id: 'U1' }, admin: false, outsider: null }
const admin: Person = { actor: { via: 'slack', id: 'U2' }, admin: true, outsider: null }
const guest: Person = { actor: { via: 'slack', id: 'U3' }, admin: false, outsider: 'guests' }

/** The real program over two databases, `shop` backed up once; closed before its folder goes. */
function onProgram(
  work: (parts: { app: App; place: Place }) => Promise<void>,
): (t: TestContext) => Promise<void> {
  return async (t) => {
    const place = await makePlace(t)
    await place.type('run shop')
    const app = await appDoor.openApp({ configPath: place.config, role: 'command', verbose: false })
    try {
      await work({ app, place })
    } finally {
      await app.close()
    }
  }
}

async function as<Type extends Reply['type']>(
  asked: Promise<Reply>,
  type: Type,
): Promise<Extract<Reply, { type: Type }>> {
  const reply = await asked
  assert.equal(reply.type, type)
  return reply as Extract<Reply, { type: Type }>
}

test(
  'a member may look and run from Slack; a restore, a cancel and a guest’s look are refused',
  onProgram(async ({ app }) => {
    assert.equal((await as(app.ask({ words: 'list shop' }, member), 'table')).table.rows.length, 1)
    assert.equal((await as(app.ask({ words: 'run blog' }, member), 'run')).run.actor.id, 'U1')
    for (const [words, person] of [
      ['restore shop', member],
      ['cancel blog', member],
      ['confirm r1 1', member],
      ['list', guest],
      ['', guest],
    ] as const)
      await assert.rejects(app.ask({ words }, person), { code: 'denied' }, words)
  }),
)

test(
  'hints are spelled as they are typed on the face that asked',
  onProgram(async ({ app }) => {
    const cli: Person = { actor: { via: 'cli', id: 'ann' }, admin: true, outsider: null }
    await assert.rejects(app.ask({ words: 'verify' }, cli), { code: 'usage', message: 'which backup?' })
    for (const [words, slack, host] of [
      ['lst', 'did you mean `/backup list`?', 'did you mean `list`?'],
      [
        'pause',
        'write `/backup pause <strategy | tag:x | all> [2h]`',
        'write `pause <strategy | tag:x | all> [2h]`',
      ],
      ['verify tag:x', 'write `/backup verify --all tag:x`', 'write `verify --all tag:x`'],
      [
        'confirm nope',
        '`/backup requests` lists what waits for somebody',
        '`requests` lists what waits for somebody',
      ],
      ['cancel r1', '`/backup status` shows what is running', '`status` shows what is running'],
    ] as const) {
      await assert.rejects(app.ask({ words }, admin), { hint: slack })
      await assert.rejects(app.ask({ words }, cli), { hint: host })
    }
    await assert.rejects(app.ask({ words: 'frobnicate' }, admin), ({ hint }: { hint: string } & Error) => {
      assert.doesNotMatch(hint, /confirm|dismiss/)
      return hint.startsWith('commands: help, status')
    })
  }),
)

test(
  'keys of the configuration are no commands, and angle brackets and underscores stand as they are',
  onProgram(async ({ app }) => {
    const { facts } = await as(app.ask({ words: 'help restore' }, admin), 'facts')
    const words = JSON.stringify(facts)
    assert.match(words, /kept for `restore\.undo`/)
    assert.match(words, /instead of `<name>_restore_<time>`/)
  }),
)

test(
  'a database URL is refused in Slack, whoever types it, and is not filed',
  onProgram(async ({ app }) => {
    const words = 'restore shop --target-url postgres://root:hunter2@h/d'
    await assert.rejects(app.ask({ words }, admin), (error: Error) => {
      assert.match(error.message, /never typed into Slack/)
      assert.doesNotMatch(JSON.stringify(error) + error.message, /hunter2/)
      return true
    })
  }),
)

test(
  'what only the host may do is not offered in Slack',
  onProgram(async ({ app }) => {
    for (const words of ['get latest', 'catalog sync', 'serve'])
      await assert.rejects(app.ask({ words }, admin), { code: 'usage' }, words)
  }),
)

test(
  'without words the answer starts with what needs attention',
  onProgram(async ({ app, place }) => {
    const calm = await as(app.ask({ words: '' }, member), 'facts')
    assert.equal(calm.title, '2 strategies, nothing needs attention')
    assert.deepEqual(calm.facts, [])
    assert.deepEqual(
      calm.usage!.map(({ words }) => words.split(' ')[0]),
      ['help', 'status', 'list', 'doctor', 'run', 'restore'],
    )
    const whole = await as(app.ask({ words: 'help' }, member), 'facts')
    const does = new Map(whole.usage!.map((line) => [line.words, line.does]))
    assert.match(does.get('restore (<backup> | <strategy> [backup] | latest)')!, /starts when you confirm/)
    const names = whole.usage!.map(({ words }) => words.split(' ')[0])
    for (const hidden of ['get', 'confirm', 'dismiss']) assert.ok(!names.includes(hidden), hidden)
    await rename(join(place.folder, 'blog.db'), join(place.folder, 'away.db'))
    await place.type('run blog')
    const alarmed = await as(app.ask({ words: '' }, member), 'facts')
    assert.equal(alarmed.title, '1 of 2 strategies needs attention')
    assert.match(JSON.stringify(alarmed.facts[0]), /"blog".*failed: .*does not exist/)
  }),
)

test(
  'a strategy whose only backup was found corrupt needs attention',
  onProgram(async ({ app, place }) => {
    const stored = (await readdir(join(place.folder, 'store'), { recursive: true })).find((path) =>
      path.endsWith('.gz'),
    )
    await writeFile(join(place.folder, 'store', stored!), 'not a backup any more')
    assert.notEqual((await place.type('verify shop')).exit, 0)
    const { title, facts } = await as(app.ask({ words: '' }, member), 'facts')
    assert.equal(title, '1 of 2 strategies needs attention')
    assert.deepEqual(facts[0], {
      label: 'shop',
      cell: { kind: 'text', text: 'no good backup is left: run one now' },
    })
  }),
)

test(
  'a status that is not healthy names what is away',
  onProgram(async ({ app, place }) => {
    await rename(join(place.folder, 'store'), join(place.folder, 'unmounted'))
    const { table } = await as(app.ask({ words: 'status' }, member), 'table')
    assert.match(
      table.summary!,
      /^unhealthy · 2 strategies, a place for backups cannot be reached, 1 unproven · /,
    )
  }),
)

test(
  'help explains one command with each of its options',
  onProgram(async ({ app }) => {
    const { commands, facts } = await as(app.ask({ words: 'help LIST' }, member), 'facts')
    assert.match(commands![0]!, /^list \[strategy \| tag:x\]/)
    assert.ok(facts.some(({ label }) => label === '--since'))
    await assert.rejects(app.ask({ words: 'help lst' }, member), {
      code: 'usage',
      hint: 'did you mean `/backup list`?',
    })
  }),
)

test(
  'run all leaves alone what is queued already, and says so',
  onProgram(async ({ app }) => {
    const first = await app.engine.startBackup('shop', { trigger: 'person', actor: member.actor })
    const reply = await as(app.ask({ words: 'run all' }, member), 'runs')
    assert.deepEqual(
      reply.runs.map(({ strategy }) => strategy),
      ['blog'],
    )
    assert.equal(reply.note, 'already queued or running: shop')
    await assert.rejects(app.ask({ words: 'run tag:client-a' }, member), { code: 'busy' })
    assert.notEqual(first.id, reply.runs[0]!.id)
  }),
)

test(
  'a plan is confirmed once, by its asker, at the version that was shown; unseen it is shown first',
  onProgram(async ({ app }) => {
    const asked = { words: 'restore shop --reason "bad migration"' }
    const { request, dryRun } = await as(app.ask(asked, admin), 'plan')
    assert.equal(dryRun, false)
    assert.equal(request.reason, 'bad migration')
    const unseen = await as(app.ask({ words: `confirm ${request.id}` }, admin), 'plan')
    assert.equal(unseen.request.state, 'planned')
    const confirm = { name: 'confirm', args: { request: request.id, version: request.version } }
    const other: Person = { ...admin, actor: { via: 'slack', id: 'U9' } }
    await assert.rejects(app.ask(confirm, other), { code: 'denied' })
    await assert.rejects(
      app.ask({ name: 'confirm', args: { request: request.id, version: request.version + 1 } }, admin),
      { code: 'stale' },
    )
    assert.equal((await as(app.ask(confirm, admin), 'run')).run.kind, 'restore')
    await assert.rejects(app.ask(confirm, admin), { code: 'stale' })
  }),
)

test(
  'a dry run files nothing',
  onProgram(async ({ app }) => {
    const { request, dryRun } = await as(app.ask({ words: 'restore shop --dry-run' }, admin), 'plan')
    assert.equal(dryRun, true)
    await assert.rejects(app.ask({ words: `confirm ${request.id} ${request.version}` }, admin), {
      code: 'not-found',
    })
  }),
)
