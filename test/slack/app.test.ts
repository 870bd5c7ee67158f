import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slackWorld } from './world.ts'

test('a command is acknowledged at once and answered only to the asker', async (t) => {
  const { slack, asked, face } = await slackWorld(t)
  const seen = await slack.command('bob', 'C0BACKUPS', '/backup run production-db')
  assert.equal(seen.trouble, null)
  assert.deepEqual(
    seen.ephemerals.map(({ text }) => text),
    ['🔵 production-db: backing up\nrun run-k3f9 · its thread is in <#C0BACKUPS>'],
  )
  assert.deepEqual(slack.messages('C0BACKUPS'), [])
  assert.deepEqual(asked[0], {
    asked: { words: 'run production-db' },
    person: { actor: { via: 'slack', id: 'U0BOB0001' }, admin: false, outsider: null },
  })
  assert.equal(face.status().state, 'ok')
  assert.equal(face.status().acks.count, 1)
})

test('what Slack escaped in a command is read as it was typed', async (t) => {
  const { slack, asked } = await slackWorld(t)
  await slack.command('bob', 'C0BACKUPS', '/backup list --search "a<b&c"')
  assert.deepEqual(asked[0]?.asked, { words: 'list --search "a<b&c"' })
})
