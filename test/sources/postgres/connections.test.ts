import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Host } from '../../../src/core/tunnel.ts'
import { postgres } from '../../../src/sources/postgres/index.ts'
import { openBench } from '../../contracts/source.ts'
import { startPostgres, type PostgresServer } from '../../support/postgres.ts'

const never = new AbortController().signal
let server: PostgresServer

before(async () => {
  server = await startPostgres()
  await server.createDatabase('shop')
  await server.query('CREATE TABLE sold (id int); INSERT INTO sold VALUES (1), (2)', 'shop')
})
after(() => server.close())

/** The server by a name that no resolver knows, at a port where nobody listens. */
function elsewhere(): string {
  const url = new URL(server.url('shop'))
  url.host = 'db.internal.invalid:1'
  return url.href
}

suite('a server that is reached over this machine’s end of a tunnel', () => {
  test('is dumped and restored over it, and shown by its own name', async (t) => {
    const asked: Host[] = []
    const reach = (host: Host): Host => {
      asked.push(host)
      return { host: '127.0.0.1', port: server.port }
    }
    const b = await openBench(t, { facts: { driver: postgres }, url: elsewhere(), reach })
    const backup = await b.backUp()
    assert.deepEqual(backup.tables, [{ name: 'public.sold', rows: 2 }])
    const restored = await b.restore(backup)
    assert.deepEqual(restored.tables, backup.tables)
    const lines = await b.source.check(never)
    assert.deepEqual(
      lines.filter(({ ok }) => !ok),
      [],
    )
    assert.match(lines[0]!.text, /at db\.internal\.invalid:1$/)
    for (const host of asked) assert.deepEqual(host, { host: 'db.internal.invalid', port: 1 })
  })

  test('that does not answer there is told by its own name', async (t) => {
    const reach = (): Host => ({ host: '127.0.0.1', port: 1 })
    const b = await openBench(t, { facts: { driver: postgres }, url: elsewhere(), reach })
    await assert.rejects(b.source.inspect(b.series, never), {
      code: 'database-unreachable',
      message: /^db\.internal\.invalid:1 did not answer/,
    })
  })
})
