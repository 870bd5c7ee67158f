import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import type { Ask } from '../../src/commands/ask.ts'
import type { Person } from '../../src/commands/command.ts'
import { drawMessage } from '../../src/slack/blocks/message.ts'
import { unpackValue } from '../../src/slack/actions.ts'
import { fastClock } from '../support/fast-clock.ts'
import { askIn } from '../support/gate.ts'
import { makeOld } from '../support/old-backups.ts'
import { makeWorld, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const day = 24 * 3_600_000
const member: Person = { actor: { via: 'slack', id: 'U0MEMBER' }, admin: false, outsider: null }
const boss: Person = { actor: { via: 'slack', id: 'U0BOSS' }, admin: true, outsider: null }
const chief: Person = { actor: { via: 'slack', id: 'U0CHIEF' }, admin: true, outsider: null }

async function asked(t: TestContext): Promise<{ world: World; ask: Ask; old: string[] }> {
  const clock = fastClock(50)
  const world = await makeWorld(t, { clock, global: { retention: '30d' } })
  await world.backup()
  const old = await makeOld(
    world,
    Array.from({ length: 8 }, (_, index) => (60 + index) * day),
  )
  await world.backup()
  return { world, ask: askIn(world).ask, old }
}

/** What the buttons of the one card in Slack carry. */
async function buttons(world: World): Promise<{ request: string; version: number }[]> {
  await world.deliver()
  const cards = world.notifier.posts.filter(({ key }) => key.startsWith('request/'))
  const body = cards.at(-1)!.shown.at(-1)!.body
  const { blocks } = drawMessage(body, { mentions: [], approvals: 'C0APPROVE', blocks: 'basic' })
  return blocks.flatMap((block) =>
    block.type === 'actions'
      ? block.elements.map((element) => {
          const { id, version } = unpackValue('value' in element ? element.value : undefined)
          return { request: id!, version: version! }
        })
      : [],
  )
}

suite('who may delete and pin', () => {
  test('any admin answers the question of the service; nobody else does', async (t) => {
    const { world, ask } = await asked(t)
    const [deletes, keeps] = await buttons(world)
    for (const [name, args] of [
      ['confirm', deletes!],
      ['dismiss', keeps!],
    ] as const)
      await assert.rejects(ask({ name, args }, member), { code: 'denied' })
    assert.equal((await world.engine.backups({ limit: 99 })).length, 10)
    const reply = await ask({ name: 'confirm', args: deletes! }, boss)
    assert.ok(reply.type === 'run' && reply.run.kind === 'prune')
    await world.finish(reply.run.id)
    assert.equal((await world.engine.backups({ limit: 99 })).length, 2)
    await assert.rejects(ask({ name: 'dismiss', args: keeps! }, chief), {
      code: 'stale',
      message: /already done \(started by @U0BOSS at/,
    })
    assert.deepEqual(await buttons(world), [], 'the card is a record now')
    await assertWorld(world)
  })

  test('what one admin asks to prune another may answer', async (t) => {
    const { ask, world } = await asked(t)
    await assert.rejects(ask({ words: 'prune shop' }, member), { code: 'denied' })
    await assert.rejects(ask({ words: 'prune shop --dry-run' }, member), { code: 'denied' })
    const reply = await ask({ words: 'prune shop' }, boss)
    assert.ok(reply.type === 'questions')
    const [request] = reply.requests
    const args = { request: request!.id, version: request!.version }
    assert.equal((await ask({ name: 'dismiss', args }, chief)).type, 'plan')
    assert.equal((await world.engine.backups({ limit: 99 })).length, 10)
  })

  test('pin needs an admin while nothing says otherwise, and so does unpin; everyone may ask why', async (t) => {
    const { ask, old } = await asked(t)
    for (const words of [`pin ${old[0]}`, `unpin ${old[0]}`])
      await assert.rejects(ask({ words }, member), { code: 'denied' })
    await ask({ words: `pin ${old[0]} --note "before 2.14"` }, boss)
    const reply = await ask({ words: 'retention explain' }, member)
    assert.ok(reply.type === 'table')
    const why = reply.table.rows.find(({ id }) => id.startsWith(old[0]!))?.cells.reason
    assert.deepEqual(why, { kind: 'text', text: 'kept: pinned by U0BOSS — before 2.14' })
    assert.match(reply.table.summary, /^7 of 10 backups would go/)
    await assert.rejects(ask({ words: 'retention explain nowhere' }, member), { code: 'not-found' })
  })

  test('status says what waits for an answer', async (t) => {
    const { ask } = await asked(t)
    const all = await ask({ words: 'status' }, member)
    assert.ok(all.type === 'table')
    assert.match(all.table.summary, /1 question about deleting old backups/)
    const one = await ask({ words: 'status shop' }, member)
    assert.ok(one.type === 'facts')
    assert.deepEqual(one.facts.find(({ label }) => label === 'Asks')?.cell, {
      kind: 'text',
      text: 'delete 8 of 10 backups in disk? `/backup prune shop` shows and decides it',
    })
  })
})
