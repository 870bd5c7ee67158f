import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import type { Check } from '../../src/core/checks.ts'
import { diagnose } from '../../src/engine/doctor.ts'
import { openSource } from '../../src/engine/context.ts'
import { makeFolder } from '../support/local.ts'
import { postgresMajors, startPostgres, type PostgresServer } from '../support/postgres.ts'
import { startHttpProxy, startSocks5, type TestProxy } from '../support/proxies.ts'
import { makeKey, startSshd, type KeyPair, type Sshd } from '../support/sshd.ts'
import { behind, wallIn, type Walled } from '../support/walled.ts'
import { fillSample, makeWorld, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const skip = postgresMajors().length > 0 ? false : 'the PostgreSQL server programs are not installed'
const rows = 30_000

/** A database that only the tunnel reaches. */
interface Way {
  tunnel: Record<string, unknown>
  url(database: string): string
  /** How often somebody came through. */
  entered(): number
  /** The tunnel breaks once so much of a dump has passed. */
  cutAfter(bytes: number): void
  /** Of the tunnel, as it is told when it breaks. */
  broken: RegExp
}

suite('a database behind a tunnel', { skip }, () => {
  let server: PostgresServer
  let gate: Sshd
  let inner: Sshd
  before(async () => {
    ;[server, gate, inner] = await Promise.all([startPostgres(), startSshd(), startSshd()])
    await fillSample(server, 'shop', rows)
  })
  after(() => Promise.all([server.close(), gate.close(), inner.close()]))

  async function hop(sshd: Sshd, key: KeyPair) {
    const fingerprint = await sshd.fingerprint()
    return { host: '127.0.0.1', port: sshd.port, user: sshd.user, private_key_file: key.path, fingerprint }
  }

  async function bySsh(t: TestContext): Promise<Way & { walled: Walled }> {
    const key = await makeKey(join(await makeFolder(t), 'key'))
    await Promise.all([gate.authorize(key.publicKey), inner.authorize(key.publicKey)])
    const walled = await wallIn(server, inner.account?.uid ?? null)
    t.after(() => walled.close())
    return {
      walled,
      tunnel: { ssh: { ...(await hop(inner, key)), jump: await hop(gate, key) } },
      url: (database) => behind(server, walled, database),
      entered: () => walled.entered,
      cutAfter: (bytes) => walled.afterBytes(bytes, () => void gate.cut()),
      broken: /the connection to the jump host 127\.0\.0\.1:\d+ broke/,
    }
  }

  async function byProxy(t: TestContext, kind: 'socks5' | 'http_proxy'): Promise<Way> {
    const login = { user: 'ann', password: 'proxy secret' }
    const proxy: TestProxy = await (kind === 'socks5' ? startSocks5(login) : startHttpProxy(login))
    t.after(() => proxy.close())
    proxy.names.set('db.internal', { host: '127.0.0.1', port: server.port })
    return {
      tunnel: { [kind]: { host: '127.0.0.1', port: proxy.port, ...login } },
      url: (database) => server.url(database).replace(/@[^/]+/, '@db.internal:6543'),
      entered: () => proxy.asked.filter((host) => host === 'db.internal:6543').length,
      cutAfter: (bytes) => proxy.afterBytes(bytes, () => proxy.cut()),
      broken: /the (SOCKS5|HTTP) proxy 127\.0\.0\.1:\d+ (broke|closed the connection to db\.internal:6543)/,
    }
  }

  const ways: [string, (t: TestContext) => Promise<Way>][] = [
    ['a jump host and a server of SSH', bySsh],
    ['a SOCKS5 proxy', (t) => byProxy(t, 'socks5')],
    ['an HTTP proxy', (t) => byProxy(t, 'http_proxy')],
  ]

  for (const [name, make] of ways)
    test(`is backed up and restored through ${name}; cut in the middle, the retry succeeds`, async (t) => {
      const way = await make(t)
      const shop = { database_url: way.url('shop'), tunnel: way.tunnel }
      const global = { retry: { max_attempts: 2, delay: '5s' } }
      const world = await makeWorld(t, { postgres: server, global, strategies: { shop } })
      way.cutAfter(1_000_000)
      const run = await world.backup()
      assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
      assert.equal(run.attempt, 2)
      assert.match(
        await world.engine.runLog(run.id),
        new RegExp(`attempt 1 of 2 failed: .*${way.broken.source}`),
      )
      assert.equal(run.backup!.rows, rows + 2)
      const entered = way.entered()
      assert.ok(entered > 1)

      const restored = await restoreBeside(world)
      assert.ok(way.entered() > entered, 'the restore went through it too')
      const [count] = await server.query('SELECT count(*)::int AS rows FROM orders', restored)
      assert.equal(count!.rows, rows)
      await server.query(`DROP DATABASE "${restored}"`)
      await world.deliver()
      await assertWorld(world)
    })

  test(
    'is reachable in no other way',
    { skip: process.getuid?.() !== 0 && 'needs two accounts' },
    async (t) => {
      const { url } = await bySsh(t)
      const world = await makeWorld(t, {
        postgres: server,
        strategies: { shop: { database_url: url('shop') } },
      })
      const run = await world.backup()
      assert.equal(run.fault?.code, 'database-unreachable')
    },
  )

  test('a changed host key fails the run at once, and says what to compare', async (t) => {
    const sshd = await startSshd()
    t.after(() => sshd.close())
    const key = await makeKey(join(await makeFolder(t), 'key'))
    await sshd.authorize(key.publicKey)
    const tunnel = { ssh: await hop(sshd, key) }
    const global = { retry: { max_attempts: 3, delay: '5s' } }
    const world = await makeWorld(t, { postgres: server, global, strategies: { shop: { tunnel } } })
    await sshd.changeHostKey()
    const run = await world.backup()
    assert.equal(run.fault?.code, 'tunnel-refused')
    assert.equal(run.attempt, 1)
    assert.ok(run.fault.hint?.includes(await sshd.fingerprint()))
    await assertWorld(world)
  })

  test('doctor says each hop and then the database; behind a broken hop it asks nobody', async (t) => {
    const way = await bySsh(t)
    const shop = { database_url: way.url('shop'), tunnel: way.tunnel }
    const world = await makeWorld(t, { postgres: server, strategies: { shop } })
    const [well] = await databasesOf(world)
    assert.equal(well!.state, 'ok', well!.text)
    assert.match(well!.text, /^the jump host \S+ in \d+ ms.* · the SSH server \S+ in \d+ ms.* · PostgreSQL /)
    const elsewhere = { ssh: { ...(way.tunnel.ssh as object), fingerprint: `SHA256:${'A'.repeat(43)}` } }
    const wrong = await makeWorld(t, {
      postgres: server,
      strategies: { shop: { ...shop, tunnel: elsewhere } },
    })
    const lines = await databasesOf(wrong)
    assert.deepEqual(
      lines.map(({ state }) => state),
      ['ok', 'failed'],
    )
    assert.match(lines[1]!.text, /^the host key of /)
  })

  test('nothing listens any more once a source is closed, and nothing did before it was opened', async (t) => {
    const way = await bySsh(t)
    const shop = { database_url: way.url('shop'), tunnel: way.tunnel }
    const world = await makeWorld(t, { postgres: server, strategies: { shop } })
    const ports: number[] = []
    const spied: typeof world.context = {
      ...world.context,
      sourceDrivers: world.context.sourceDrivers.map((driver) => ({
        ...driver,
        open(settings, context) {
          ports.push(context.reach({ host: '127.0.0.1', port: way.walled.port }).port)
          assert.deepEqual(context.reach({ host: 'elsewhere', port: 5432 }), {
            host: 'elsewhere',
            port: 5432,
          })
          return driver.open(settings, context)
        },
      })),
    }
    const folder = await makeFolder(t)
    const source = await openSource(spied, world.config.strategies[0]!, { id: 'r1', folder })
    assert.notEqual(ports[0], way.walled.port)
    assert.ok(await answers(ports[0]!))
    await source.close()
    assert.equal(await answers(ports[0]!), false)
  })
})

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
}

async function restoreBeside(world: World): Promise<string> {
  const ask = {
    backup: 'latest',
    strategy: 'shop',
    targetDb: null,
    targetUrl: null,
    noOwner: true,
    reason: null,
  }
  const { id, version } = await world.engine.requestRestore(ask, person)
  const run = await world.finish((await world.engine.confirm(id, version, person)).run!)
  assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
  return run.restore!.target
}

async function databasesOf(world: World): Promise<Check[]> {
  const parts = await diagnose(world.context, 'shop')
  return parts.find(({ title }) => title === 'databases')!.checks
}
