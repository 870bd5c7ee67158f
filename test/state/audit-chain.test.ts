import assert from 'node:assert/strict'
import { suite, test, type TestContext } from 'node:test'
import { checkChain } from '../../src/state/audit-chain.ts'
import { audit, findAudit } from '../../src/state/audit.ts'
import { openDatabase, type Database } from '../../src/state/database.ts'
import { settle } from '../../src/state/messages.ts'
import { systemClock } from '../../src/sys/clock.ts'
import {
  changeRow as change,
  entry,
  forgeRow as forge,
  noon,
  removeRows as remove,
  swapRows as swap,
  writeRows,
} from '../support/audit-log.ts'
import { makeFolder } from '../support/local.ts'

async function logOf(t: TestContext, rows: number): Promise<Database> {
  const database = await openDatabase(await makeFolder(t), systemClock)
  t.after(() => database.close())
  await writeRows(database, rows)
  return database
}

async function found({ read }: Database): Promise<string[]> {
  return (await checkChain(read, [])).problems.map(({ text }) => text)
}

test('a row links to the message that shows what it is about, and the link is part of the chain', async (t) => {
  const log = await logOf(t, 0)
  const link = 'https://acme.slack.com/archives/C0APPROVE/p1000001'
  const settled = { sentVersion: 1, tries: 0, unknowns: 0, retryAt: 0, refused: null }
  await log.write(async (tx) => {
    await settle(tx, 'request/rq-1', 'mail', { ...settled, receipt: 'message-1' })
    await settle(tx, 'request/rq-1', 'slack', {
      ...settled,
      receipt: { channel: 'C0APPROVE', ts: '1.000001', link },
    })
    for (const subject of ['rq-1', 'rq-2', null]) await audit(tx, { ...entry, subject }, noon)
  })
  assert.deepEqual((await findAudit(log.read, { limit: 9 })).map((row) => row.link).toReversed(), [
    link,
    null,
    null,
  ])
  await change(log, 1, { link: 'https://evil.example/' })
  assert.equal((await found(log)).length, 1)
})

const eve = JSON.stringify({ via: 'slack', id: 'U0EVE0001' })

interface Sabotage {
  title: string
  act(log: Database): Promise<unknown>
  says: string[]
}

const sabotages: Sabotage[] = [
  { title: 'nothing was done', act: async () => undefined, says: [] },
  {
    title: 'one row is changed',
    act: (log) => change(log, 4, { detail: 'never happened' }),
    says: ['row 4 was changed after it was written'],
  },
  {
    title: 'the actor of a row is another',
    act: (log) => change(log, 4, { actor: eve }),
    says: ['row 4 was changed after it was written'],
  },
  {
    title: 'a row is no row any more',
    act: (log) => change(log, 4, { actor: 'nobody' }),
    says: ['row 4 cannot be read: it was changed'],
  },
  { title: 'one row is removed', act: (log) => remove(log, 4), says: ['row 4 was removed'] },
  {
    title: 'the first rows are removed',
    act: (log) => remove(log, 1, 2),
    says: ['rows 1 to 2 were removed'],
  },
  {
    title: 'two neighbours are swapped',
    act: (log) => swap(log, 4, 5),
    says: ['rows 4 and 5 were swapped'],
  },
  {
    title: 'two rows far apart are swapped',
    act: (log) => swap(log, 2, 8),
    says: ['rows 2 and 8 were swapped'],
  },
  {
    title: 'a row is forged with a hash of its own',
    act: (log) => forge(log, 4, { detail: 'never happened' }),
    says: ['row 4 was written anew: row 5 follows another one'],
  },
  {
    title: 'one is changed, one removed and two are swapped',
    async act(log) {
      await change(log, 2, { act: 'x' })
      await remove(log, 4)
      await swap(log, 6, 7)
    },
    says: ['row 2 was changed after it was written', 'row 4 was removed', 'rows 6 and 7 were swapped'],
  },
]

suite('the chain of the audit log shows what was done to it', () => {
  for (const { title, act, says } of sabotages)
    test(title, async (t) => {
      const log = await logOf(t, 9)
      await act(log)
      assert.deepEqual(await found(log), says)
    })

  test('a log longer than a page is walked whole', async (t) => {
    const log = await logOf(t, 1_203)
    assert.deepEqual(await checkChain(log.read, []), { rows: 1_203, problems: [] })
    await change(log, 1_100, { reason: 'other' })
    await remove(log, 500)
    assert.deepEqual(await found(log), ['row 500 was removed', 'row 1100 was changed after it was written'])
  })
})

test('it is read newest first, of one strategy, from some time on', async (t) => {
  const { read, write } = await logOf(t, 0)
  await write(async (tx) => {
    for (const [index, strategy] of ['shop', 'blog', null, 'shop'].entries())
      await audit(tx, { ...entry, strategy }, noon + index)
  })
  const seqs = async (filter: Partial<Parameters<typeof findAudit>[1]>): Promise<number[]> =>
    (await findAudit(read, { limit: 10, ...filter })).map(({ seq }) => seq)
  assert.deepEqual(await seqs({}), [4, 3, 2, 1])
  assert.deepEqual(await seqs({ limit: 2 }), [4, 3])
  assert.deepEqual(await seqs({ strategy: 'shop' }), [4, 1])
  assert.deepEqual(await seqs({ since: noon + 2 }), [4, 3])
})
