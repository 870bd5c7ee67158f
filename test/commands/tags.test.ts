import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Reply } from '../../src/commands/reply.ts'
import { mostApart } from '../../src/core/messages.ts'
import { askIn, onHost, slackPerson } from '../support/gate.ts'
import { makeWorld, type World } from '../support/world.ts'

interface Scene extends World {
  ask(words: string, person?: typeof onHost): Promise<Reply>
}

/** Two databases of one client, one of another; some people see only the first. */
async function scene(t: TestContext, more: Record<string, Record<string, unknown>> = {}): Promise<Scene> {
  const world = await makeWorld(t, {
    strategies: {
      shop: { tags: ['client-a', 'prod'], schedule: '6h' },
      blog: {
        tags: ['client-a'],
        schedule: '1d',
        access: { view: ['S0OPS0001'], operate: ['S0OPS0001'] },
      },
      wiki: { tags: ['client-b'], schedule: '1d' },
      ...more,
    },
  })
  const { ask } = askIn(world)
  return { ...world, ask: (words, person = onHost) => ask({ words }, person) }
}

/** Strategies that an answer speaks of. */
function spokenOf(reply: Reply): string[] {
  const text = JSON.stringify(reply)
  return ['shop', 'blog', 'wiki'].filter((name) => new RegExp(`"[^"]*\\b${name}\\b`).test(text))
}

test('a tag stands for its strategies wherever several make sense, and for no other', async (t) => {
  const { ask, backup } = await scene(t)
  for (const name of ['shop', 'blog', 'wiki']) assert.equal((await backup(name)).state, 'succeeded')
  for (const words of [
    'list tag:client-a',
    'status tag:client-a',
    'schedule tag:client-a',
    'digest tag:client-a',
    'retention explain tag:client-a',
    'prune tag:client-a --dry-run',
    'doctor tag:client-a',
    'report tag:client-a',
    'pause tag:client-a 2h',
    'resume tag:client-a',
  ]) {
    const spoken = spokenOf(await ask(words))
    assert.ok(!spoken.includes('wiki'), `${words}: ${spoken.join()}`)
    if (!words.startsWith('prune')) assert.ok(spoken.includes('shop') && spoken.includes('blog'), words)
  }
  for (const words of ['run tag:client-a', 'drill tag:client-a', 'verify --all tag:client-a']) {
    const reply = await ask(words)
    assert.ok(reply.type === 'runs', words)
    assert.deepEqual(reply.runs.map(({ strategy }) => strategy).toSorted(), ['blog', 'shop'], words)
  }
  const one = await ask('schedule shop')
  assert.deepEqual(spokenOf(one), ['shop'])
  assert.deepEqual(spokenOf(await ask('status')), ['shop', 'blog', 'wiki'])
})

test('an unknown tag is answered with the nearest one', async (t) => {
  const { ask } = await scene(t)
  for (const words of ['status tag:client-c', 'drill tag:client-c', 'prune tag:client-c'])
    await assert.rejects(ask(words), { code: 'not-found', hint: 'did you mean tag:client-a?' }, words)
  await assert.rejects(ask('run tag:zzz'), { hint: 'tags in use: client-a, prod, client-b' })
  await assert.rejects(ask('drill tag:client-a k3f9'), { code: 'usage', message: /one strategy/ })
})

test('what somebody may not see is not told by a tag either', async (t) => {
  const { ask } = await scene(t)
  const ann = slackPerson('U0ANN0001')
  for (const words of ['status tag:client-a', 'schedule tag:client-a', 'digest tag:client-a'])
    assert.deepEqual(spokenOf(await ask(words, ann)), ['shop'], words)
  await assert.rejects(ask('run tag:client-a', ann), { code: 'denied' })
})

test('many backups that one word starts are told by one message', async (t) => {
  const others = Array.from({ length: mostApart - 2 }, (_, i) => `other-${i}`)
  const { ask, finish, deliver, notifier } = await scene(
    t,
    Object.fromEntries(others.map((name) => [name, {}])),
  )
  const reply = await ask('run all')
  assert.ok(reply.type === 'runs')
  for (const { id } of reply.runs) await finish(id)
  await deliver()
  const bodies = notifier.posts.map(({ shown }) => shown.at(-1)!.body)
  // what has its line in a batch is not posted by Slack
  const threads = bodies.filter(
    (body) => (body.type !== 'run.card' && body.type !== 'run.progress') || body.run.batch === undefined,
  )
  assert.equal(threads.length, 1)
  const [body] = threads
  assert.ok(body?.type === 'batch' && body.batch.asked?.id === onHost.actor.id)
  assert.deepEqual(
    body.batch.lines.map(({ strategy, state }) => [strategy, state]),
    ['shop', 'blog', 'wiki', ...others].map((name) => [name, 'succeeded']),
  )
})
