import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { RequestState } from '../../src/core/model.ts'
import { isOver, mayMove, openStates, requestMoves, requestStates } from '../../src/core/request-states.ts'
import { openDatabase, type Database } from '../../src/state/database.ts'
import { findAnyRequest, insertRequest, moveRequest } from '../../src/state/requests.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { request } from '../slack/samples.ts'

const ends: readonly RequestState[] = ['done', 'rejected', 'expired', 'cancelled', 'failed']

test('a request has five open states and five ends, and every open one can end', () => {
  assert.deepEqual(requestStates.filter(isOver), ends)
  assert.deepEqual(openStates, ['requested', 'planned', 'waiting', 'approved', 'executing'])
  for (const state of openStates) assert.ok(requestMoves[state].some(isOver), `${state} never ends`)
})

test('nothing is done that was not approved, and nothing is approved that was not planned', () => {
  const before = (to: RequestState): RequestState[] => requestStates.filter((from) => mayMove(from, to))
  assert.deepEqual(before('done'), ['executing'])
  assert.deepEqual(before('executing'), ['approved'])
  assert.deepEqual(before('approved'), ['planned', 'waiting'])
  assert.deepEqual(before('rejected'), ['waiting'])
  assert.deepEqual(before('requested'), [])
  assert.ok(!mayMove('executing', 'expired'), 'what is being done does not expire')
})

test('the state makes exactly the moves of the table, each from its version alone', async (t) => {
  const database = await open(t)
  let made = 0
  for (const from of requestStates)
    for (const to of requestStates) {
      const id = `rq-${from}-${to}`
      const view = { ...request(), id, state: from, version: 7 }
      const ask = { targetUrl: 'postgres://secret' }
      await database.write((tx) => insertRequest(tx, { view, ask, configHash: 'c', pings: 0 }))
      const move = (version: number): Promise<boolean> =>
        database.write((tx) => moveRequest(tx, id, { from, version, to, by: null, at: 1 }))
      if (!mayMove(from, to)) {
        await assert.rejects(move(7), TypeError)
        assert.equal((await findAnyRequest(database.read, id))!.view.state, from)
        continue
      }
      made += 1
      assert.equal(await move(6), false, `${from} → ${to} from an older version`)
      assert.equal(await move(7), true, `${from} → ${to}`)
      assert.equal(await move(7), false, `${from} → ${to} twice`)
      const now = (await findAnyRequest(database.read, id))!
      assert.deepEqual([now.view.state, now.view.version], [to, 8])
      assert.deepEqual(now.ask, isOver(to) ? {} : ask, 'what was typed is forgotten with the end alone')
    }
  assert.equal(made, Object.values(requestMoves).flat().length)
})

async function open(t: TestContext): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), 'easy-backup-states-'))
  const database = await openDatabase(folder, systemClock)
  t.after(async () => {
    await database.close()
    await rm(folder, { recursive: true })
  })
  return database
}
