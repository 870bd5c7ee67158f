import assert from 'node:assert/strict'
import type { Reply } from '../../src/commands/reply.ts'
import { actions } from '../../src/slack/actions.ts'
import { at, drilled, strategy } from './samples.ts'
import { inBothModes, message, routing, slackWorld, type World } from './world.ts'

const drills = { schedule: null, nextAt: null, last: null, openId: null }

function status(): Reply {
  const all = [
    strategy({ proven: { at: at('06:00:00'), backup: 'x' }, drills }),
    strategy({ name: 'shop', proven: null, drills }),
  ]
  const rows = all.map((data) => ({ id: data.name, data, cells: {} }))
  return { type: 'table', table: { title: 'Status', summary: '', columns: [], rows, empty: '' } }
}

function drillsAsked({ asked }: World): unknown[] {
  return asked.flatMap(({ asked: one }) => ('name' in one && one.name === 'drill' ? [one.args] : []))
}

inBothModes('the home tab offers to drill what is proven least, to who may', async (t) => {
  const world = await slackWorld(t, {
    answer: (asked) => ('name' in asked && asked.name === 'status' ? Promise.resolve(status()) : undefined),
  })
  assert.match(JSON.stringify(await world.slack.openHome('alice')), /"Drill shop"/)
  await world.slack.click('alice', 'home', actions.drillFromHome)
  assert.deepEqual(drillsAsked(world), [{ strategy: 'shop' }])
  assert.doesNotMatch(JSON.stringify(await world.slack.openHome('bob')), /"Drill shop"/)
})

inBothModes('a drill that did not pass is tried again with the same backup, at a click', async (t) => {
  const world = await slackWorld(t)
  const why = 'the extension postgis is not installed here'
  const fault = { code: 'drill-inconclusive', text: why, hint: 'install it' } as const
  const run = drilled({ verdict: 'inconclusive', why }, { state: 'degraded', fault })
  const sent = await world.face.notifier.deliver(message({ type: 'run.card', run }), null, null, new AbortController().signal) // prettier-ignore
  assert.equal(sent.outcome, 'sent')
  const [card] = world.slack.messages(routing.channel)
  assert.match(card!.text, /^⚪ production-db · drill inconclusive/)
  await world.slack.click('alice', card!, 'ask/drill/backup')
  assert.deepEqual(drillsAsked(world), [{ strategy: 'production-db', backup: run.backupId }])
})
