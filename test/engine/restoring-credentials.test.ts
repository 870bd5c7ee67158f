import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { diagnose } from '../../src/engine/doctor.ts'
import { recover } from '../../src/engine/recover.ts'
import { startPostgres, type PostgresServer } from '../support/postgres.ts'
import { fillSample, makeWorld, person } from '../support/world.ts'

let server: PostgresServer

before(async () => {
  server = await startPostgres()
  await fillSample(server, 'shop', 50)
  await server.query(`CREATE ROLE restorer LOGIN PASSWORD 'stronger' CREATEDB`)
  await server.query('ALTER SYSTEM SET log_connections = on')
  await server.query('SELECT pg_reload_conf()')
})
after(() => server.close())

/** How often the server let the role in so far. */
function entriesOf(role: string): number {
  return (
    readFileSync(join(server.socketDir, 'log'), 'utf8').split(`connection authorized: user=${role} `).length -
    1
  )
}

const as = (role: string, password: string): string =>
  server.url('shop').replace(/\/\/[^@]+@/, `//${role}:${password}@`)

const ask = {
  backup: 'latest',
  strategy: 'shop',
  targetDb: null,
  targetUrl: null,
  noOwner: true,
  reason: null,
}

suite('credentials of restores', () => {
  test('are used by the plan of a restore and the restore, and by nothing else', async (t) => {
    const restore = { database_url: as('restorer', 'stronger') }
    const world = await makeWorld(t, { postgres: server, strategies: { shop: { restore } } })
    assert.equal((await world.backup()).state, 'succeeded')
    await diagnose(world.context, 'shop')
    const drilled = await world.finish(
      (await world.engine.startDrill('shop', 'latest', { trigger: 'person', actor: person })).id,
    )
    assert.equal(drilled.state, 'succeeded', drilled.fault?.text ?? '')
    await recover(world.context)
    assert.equal(entriesOf('restorer'), 0)
    const { id, version } = await world.engine.requestRestore(ask, person)
    const planned = entriesOf('restorer')
    assert.ok(planned > 0)
    const restored = await world.finish((await world.engine.confirm(id, version, person)).run!)
    assert.equal(restored.state, 'succeeded', restored.fault?.text ?? '')
    const used = entriesOf('restorer')
    assert.ok(used > planned)
    assert.equal((await world.backup()).state, 'succeeded')
    assert.equal(entriesOf('restorer'), used)
  })

  test('that are wrong spoil no backup; doctor says that they were not tried', async (t) => {
    const restore = { database_url: as('restorer', 'guessed') }
    const world = await makeWorld(t, { postgres: server, strategies: { shop: { restore } } })
    assert.equal((await world.backup()).state, 'succeeded')
    const parts = await diagnose(world.context, 'shop')
    const { checks: lines } = parts.find(({ title }) => title === 'databases')!
    assert.deepEqual(
      lines.map(({ state }) => state),
      ['ok'],
    )
    assert.match(lines[0]!.text, /restore\.database_url is used by restores alone, and was not tried/)
    await assert.rejects(world.engine.requestRestore(ask, person), { code: 'database-refused' })
  })
})
