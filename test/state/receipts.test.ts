import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { openDatabase } from '../../src/state/database.ts'
import { owe, settle } from '../../src/state/messages.ts'
import { messageShown } from '../../src/state/receipts.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { run } from '../slack/samples.ts'
import { makeFolder } from '../support/local.ts'

test('what a message shows is found by where it stands in Slack, by its index, and by its run; anything else is nobody', async (t) => {
  const folder = await makeFolder(t)
  const database = await openDatabase(folder, systemClock)
  t.after(() => database.close())
  const receipts = {
    slack: { channel: 'C0BACKUPS', ts: '1.000002', digest: 'x' },
    mail: 'message-1', // another notifier's receipt may be anything
    later: null,
  }
  await database.write(async (tx) => {
    for (const name of ['one', 'two'])
      await owe(
        tx,
        {
          key: `run/${name}/card`,
          strategy: 'shop',
          audience: 'success',
          parent: null,
          priority: 3,
          body: { type: 'run.card', run: run({ id: name }) },
        },
        0,
      )
    const to = { sentVersion: 1, tries: 1, unknowns: 0, retryAt: 0, refused: null }
    for (const [notifier, receipt] of Object.entries(receipts))
      await settle(tx, 'run/two/card', notifier, { ...to, receipt })
    await settle(tx, 'run/one/card', 'slack', { ...to, receipt: { ...receipts.slack, ts: '1.000001' } })
  })
  const found = async (which: Parameters<typeof messageShown>[1]): Promise<string | null> => {
    const body = await messageShown(database.read, which)
    return body?.type === 'run.card' ? body.run.id : null
  }
  assert.equal(await found({ channel: 'C0BACKUPS', ts: '1.000002' }), 'two')
  assert.equal(await found({ channel: 'C0BACKUPS', ts: '1.000001' }), 'one')
  assert.equal(await found({ channel: 'C0OTHER01', ts: '1.000001' }), null)
  assert.equal(await found({ channel: 'C0BACKUPS', ts: "1' OR 1=1" }), null)
  assert.equal(await found({ run: 'one' }), 'one')
  assert.equal(await found({ run: 'none' }), null)
  const plan = new DatabaseSync(join(folder, 'state.db'), { readOnly: true })
    .prepare(
      `EXPLAIN QUERY PLAN SELECT 1 FROM deliveries WHERE notifier = 'slack' AND json_extract(deliveries.receipt, '$.ts') = ?`,
    )
    .all('1.000001')
  assert.match(JSON.stringify(plan), /deliveries_in_slack/)
})
