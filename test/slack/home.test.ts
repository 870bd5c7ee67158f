import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reply } from '../../src/commands/reply.ts'
import type { Clock } from '../../src/core/clock.ts'
import { createHomes } from '../../src/slack/home.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { strategy } from './samples.ts'
import { slackWorld } from './world.ts'

function status(backups: number): Reply {
  const data = strategy({ backups })
  const rows = [{ id: data.name, data, cells: {} }]
  return { type: 'table', table: { title: 'Status', summary: '', columns: [], rows, empty: '' } }
}

const patience = { timeoutMs: 30_000 }

/** Only the ten seconds between two looks pass in a tenth of one: a socket whose patience is a hundredth as well gives up its connection
 * on a busy machine, and what Slack sends meanwhile is lost. */
const looksSoon: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms === 10_000 ? 100 : ms, signal),
}

test('an open home tab follows what changes, and is not drawn again when nothing of it did', async (t) => {
  let backups = 1
  let change = 1
  let looks = 0
  const { slack } = await slackWorld(t, {
    clock: looksSoon,
    changes: async () => (looks++, change),
    answer: (asked) =>
      'name' in asked && asked.name === 'status' ? Promise.resolve(status(backups)) : undefined,
  })
  await slack.openHome('alice')
  const shows = (words: string): boolean => JSON.stringify(slack.home('alice')).includes(words)
  await slack.until(() => shows('1 backup,'), patience)
  backups = 2
  change++
  await slack.until(() => shows('2 backups,'), patience)
  const published = slack.transcript('views.publish').length
  change++ // something that this tab does not show
  const before = looks
  await slack.until(() => looks >= before + 3, patience)
  assert.equal(slack.transcript('views.publish').length, published)
  assert.equal(published, 2)
  assert.equal(slack.home('bob'), null, 'who has not opened it is left alone')
})

test('of many open tabs all get their turn within the budget, and who does not come back is forgotten', () => {
  const homes = createHomes()
  const people = Array.from({ length: 25 }, (_, index) => `U${index}`)
  for (const user of people) homes.opened(user, 0)
  const rounds = [1, 1, 1, 1].map((change) => homes.due(1_000, change))
  assert.deepEqual(
    rounds.map(({ length }) => length),
    [10, 10, 5, 0],
  )
  assert.deepEqual(rounds.flat().toSorted(), people.toSorted())
  const busy = [2, 3, 4].flatMap((change) => homes.due(2_000, change))
  assert.equal(new Set(busy).size, 25, 'also while everything changes all the time')
  homes.opened('U3', 3_000_000)
  assert.deepEqual(homes.due(3_000_001, 5), ['U3'])
})
