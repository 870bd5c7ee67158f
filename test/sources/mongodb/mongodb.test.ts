import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { mongodb } from '../../../src/sources/mongodb/index.ts'
import { connectionTo, uriOf } from '../../../src/sources/mongodb/url.ts'
import { beside, openBench, temporary, type Bench, type BenchSetting } from '../../contracts/source.ts'
import { makeCertificate } from '../../support/certificate.ts'
import { startMongo, type MongoStandIn } from '../../support/mongo/server.ts'
import { makeMongoTools } from '../../support/mongo/tools.ts'
import { enginePipes } from '../pipes.ts'
import { document } from './documents.ts'

const never = new AbortController().signal
let server: MongoStandIn
let tools: string

before(async () => {
  server = await startMongo()
  tools = process.env.MONGODB_TOOLS ?? (await makeMongoTools())
})
after(async () => {
  await server.close()
  if (tools !== process.env.MONGODB_TOOLS) await rm(tools, { recursive: true })
})

const bench = (t: TestContext, url: string, more: Partial<BenchSetting> = {}): Promise<Bench> =>
  openBench(t, {
    facts: { driver: mongodb },
    url,
    environment: { PATH: `${tools}:${process.env.PATH}` },
    ...more,
  })

/** Straight into the memory of the server that stands in. */
function fill(name: string, at: MongoStandIn = server): void {
  at.store.insert(name, 'orders', [document({ _id: 1 }), document({ _id: 2 })])
  at.store.insert(name, 'people', [document({ _id: 'a*b' })])
  at.store.create(name, 'recent', { viewOn: 'orders', pipeline: [] })
}

suite('URLs of MongoDB', () => {
  const url = 'mongodb://u%40:p%2F@h1:1,[::1]:2/shop?replicaSet=rs&tls=true'

  test('name several servers, for tunnels too', () => {
    const parsed = mongodb.parseUrl(url)
    assert.deepEqual(parsed, {
      endpoint: 'h1:1,[::1]:2',
      database: 'shop',
      secrets: ['p/', 'p%2F'],
      hosts: [
        { host: 'h1', port: 1 },
        { host: '::1', port: 2 },
      ],
    })
  })

  test('in DNS name no server that a tunnel could lead to', () => {
    const parsed = mongodb.parseUrl('mongodb+srv://u:p@cluster.example.com/shop')
    assert.ok('hosts' in parsed)
    assert.deepEqual([parsed.hosts, parsed.endpoint], [[], 'cluster.example.com'])
  })

  test('of another database sign in where they did before', () => {
    const other = connectionTo(mongodb.at!(url, 'odd ?#/name'.replaceAll(/[ /]/g, '_')))
    assert.equal(other.parameters.authSource, 'shop')
    assert.equal(other.database, 'odd_?#_name')
    assert.deepEqual([other.user, other.password], ['u@', 'p/'])
    assert.equal(uriOf(connectionTo('mongodb://h/x')), 'mongodb://h:27017/')
  })

  test('of fields have TLS as MongoDB calls it', () => {
    const tls = (mode: string) => connectionTo(`mongodb://h/x?sslmode=${mode}`).parameters
    assert.deepEqual(tls('require'), { tls: 'true' })
    assert.deepEqual(tls('verify-full'), { tls: 'true' })
    assert.match((mongodb.parseUrl('mongodb://h/x?sslmode=odd') as { mistake: string }).mistake, /sslmode/)
  })
})

suite('a whole server', () => {
  test('is its databases without its own, as chosen; each is opened by its own URL', async (t) => {
    const one = await startMongo()
    t.after(() => one.close())
    for (const name of ['admin', 'config', 'local', 'shop', 'blog', 'test_1']) fill(name, one)
    const databases = { include: ['*'], exclude: ['test_*'] }
    const b = await bench(t, one.url('shop'), { settings: { databases } })
    const series = await b.source.series(never)
    assert.deepEqual(series.map(({ name, sole }) => `${name} ${sole}`).toSorted(), [
      'blog false',
      'shop false',
    ])
    assert.equal(await b.source.seesAll!(never), true)
    const blog = await bench(t, mongodb.at!(one.url('shop'), 'blog'))
    assert.equal((await blog.source.inspect(blog.series, never)).database, 'blog')
  })
})

suite('what goes wrong with MongoDB', () => {
  const inspecting = async (t: TestContext, url: string): Promise<unknown> => {
    const b = await bench(t, url)
    return b.source.inspect(b.series, never)
  }

  test('a wrong password is refused, and the hint names authSource', async (t) => {
    const url = server.url('shop').replace(/:[^:@]+@/, ':wrong@')
    await assert.rejects(inspecting(t, url), (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'database-refused')
      assert.match(error.hint, /authSource/)
      return true
    })
  })

  test('no user where one is wanted is refused', async (t) => {
    await assert.rejects(inspecting(t, `mongodb://${server.host}/shop`), {
      code: 'database-refused',
      message: 'the server wants a user, and the URL has none',
    })
  })

  test('a missing program says what to install', async (t) => {
    fill('programs')
    const b = await bench(t, server.url('programs'), { environment: { PATH: '/no/programs' } })
    await assert.rejects(b.source.inspect(b.series, never), {
      code: 'tool-missing',
      hint: /mongodb-database-tools/,
    })
    const lines = await b.source.check(never)
    assert.deepEqual(
      lines.filter(({ ok }) => !ok).map(({ name }) => name),
      ['dump program', 'restore program'],
    )
  })

  test('a right that is missing while it is dumped is told as that', async (t) => {
    const one = await startMongo()
    t.after(() => one.close())
    fill('shop', one)
    const b = await bench(t, one.url('shop'))
    const inspection = await b.source.inspect(b.series, never)
    one.denied.add('find')
    const words = process.env.MONGODB_TOOLS ? /too few rights|it crashed/ : /too few rights/ // mongodump 100.8.0 may panic instead
    await assert.rejects(b.source.dump(b.series, inspection, b.sink(), never), { message: words })
  })

  test('an abort ends a question to a server that does not answer', async (t) => {
    const sockets = new Set<Socket>()
    const mute = createServer((socket) => void sockets.add(socket))
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      for (const socket of sockets) socket.destroy()
      mute.close()
    })
    const b = await bench(t, `mongodb://127.0.0.1:${(mute.address() as AddressInfo).port}/shop`)
    const reason = new Error('somebody cancelled')
    const controller = new AbortController()
    mute.once('connection', () => controller.abort(reason))
    await assert.rejects(b.source.inspect(b.series, controller.signal), (error) => error === reason)
  })
})

test('collections that are left out are in no dump, and one without any is no failure then', async (t) => {
  fill('partly')
  const options = { exclude_collections: ['people', 'orders'] }
  const b = await bench(t, server.url('partly'), { facts: { driver: mongodb, options } })
  assert.equal((await b.source.inspect(b.series, never)).hasTables, false)
  assert.deepEqual((await b.backUp()).tables, [])
})

suite('a restore of MongoDB', () => {
  test('keeps names with a star apart, in the database and in its collections', async (t) => {
    fill('a*')
    fill('abc')
    const b = await bench(t, server.url('a*'))
    const backup = await b.backUp()
    const { name } = await b.source.plan(backup, beside, never)
    assert.equal(name, 'a*_restore_20261120_060000')
    await b.restore(backup)
    assert.deepEqual([...server.store.databases.get(name)!.keys()].toSorted(), ['orders', 'people', 'recent'])
  })

  test('takes the collections that were chosen and no other', async (t) => {
    fill('chosen')
    const b = await bench(t, server.url('chosen'))
    const { tables } = await b.restore(await b.backUp(), { ...beside, tables: ['people'] })
    assert.deepEqual(tables, [{ name: 'people', rows: 1 }])
    assert.deepEqual([...server.store.databases.get('chosen_restore_20261120_060000')!.keys()], ['people'])
  })

  test('into another server, and of a database that holds nothing', async (t) => {
    const other = await startMongo()
    t.after(() => other.close())
    server.store.create('hollow', 'only_a_view', { viewOn: 'x', pipeline: [] })
    const b = await bench(t, server.url('hollow'))
    const { tables, open } = await b.restore(await b.backUp(), { ...beside, url: other.url('hollow') })
    assert.deepEqual(tables, [])
    assert.equal(other.store.collection('hollow', 'only_a_view')?.type, 'view')
    assert.ok(open?.includes('mongosh') && !open.includes(other.password))
  })

  test('that the server refuses leaves nothing, and a second one into the same name is not let in', async (t) => {
    const one = await startMongo()
    t.after(() => one.close())
    fill('shop', one)
    one.store.collection('shop', 'orders')!.indexes.push({ v: 2, key: { text: 1 }, name: 'text_1' })
    const b = await bench(t, one.url('shop'))
    const backup = await b.backUp()
    for (const command of ['create', 'insert', 'createIndexes']) {
      one.denied.add(command)
      await assert.rejects(b.restore(backup), { code: 'database-refused' }, command)
      one.denied.clear()
      assert.deepEqual([...one.store.databases.keys()], ['shop'], command)
    }
    one.store.create('shop_restore_20261120_060000', 'easy_backup_partial_restore')
    await assert.rejects(b.restore(backup), { code: 'target-exists' })
    assert.equal(one.store.databases.get('shop_restore_20261120_060000')!.size, 1)
  })

  test('in place or over what is there is not offered, and the plan says why', async (t) => {
    fill('live')
    const b = await bench(t, server.url('live'))
    const backup = await b.backUp()
    const inPlace = await b.source.plan(backup, { ...beside, inPlace: { freshnessSql: null } }, never)
    const clean = await b.source.plan(backup, { ...beside, database: 'live', clean: true }, never)
    for (const { blockers } of [inPlace, clean]) assert.match(blockers.join(), /cannot rename a database/)
    const clash = await b.source.plan(backup, { ...beside, database: 'LIVE' }, never)
    assert.match(clash.blockers.join(), /capitals/)
    await assert.rejects(b.restore(backup, { ...beside, database: 'live', clean: true }), {
      code: 'target-invalid',
    })
  })
})

suite('a drill of MongoDB', () => {
  const where = { url: '', stamp: '20261120_060000' }

  test('restores on the server that is named, compares, is asked, and leaves nothing', async (t) => {
    const other = await startMongo()
    t.after(() => other.close())
    fill('shop_d')
    const b = await bench(t, server.url('shop_d'))
    const backup = await b.backUp()
    const { objects } = await b.source.prove(b.artifact(), b.input(), never)
    const scratch = await b.source.scratch!.open(backup, { ...where, url: other.url('x') }, never)
    const { tables } = await scratch.restore(async () => b.input(), never)
    assert.deepEqual(tables.map(({ name, rows }) => `${name} ${rows}`).toSorted(), ['orders 2', 'people 1'])
    assert.deepEqual(await scratch.objects(never), { counted: objects, alike: true })
    assert.equal(await scratch.ask('{"count": "orders"}', never), '2')
    assert.equal(await scratch.ask('{"find": "people"}', never), 'a*b')
    await assert.rejects(scratch.ask('{"drop": "orders"}', never), { code: 'drill-inconclusive' })
    await assert.rejects(scratch.ask('SELECT 1', never), { code: 'drill-inconclusive' })
    await assert.rejects(scratch.ask('{"aggregate": "orders", "pipeline": [{"$nonsense": 1}]}', never), {
      code: 'restore-incomplete',
    })
    assert.equal(await scratch.close(), null)
    assert.deepEqual([...other.store.databases.keys()], [])
  })

  test('that died is swept away, and a database of somebody else under its name is not', async (t) => {
    fill('shop_e')
    const b = await bench(t, server.url('shop_e'))
    const backup = await b.backUp()
    const at = { ...where, url: server.url('x') }
    const name = 'shop_e_drill_20261120_060000'
    fill(name)
    await b.source.scratch!.sweep(backup, at, never)
    assert.ok(server.store.databases.has(name))
    server.store.insert(name, 'easy_backup_partial_restore', [
      document({ _id: 'restore', run: 'r', backup: backup.id }),
    ])
    await b.source.scratch!.sweep(backup, at, never)
    assert.ok(!server.store.databases.has(name))
  })

  test('without a server is inconclusive, and says what to write', async (t) => {
    fill('shop_f')
    const b = await bench(t, server.url('shop_f'))
    const backup = await b.backUp()
    await assert.rejects(b.source.scratch!.open(backup, { ...where, url: null }, never), {
      code: 'drill-inconclusive',
      hint: /database_url/,
    })
    await b.source.scratch!.sweep(backup, { ...where, url: null }, never)
  })
})

suite('what a server of MongoDB is doing', () => {
  test('counts as work for a run only when a tool does it in the run’s databases', async (t) => {
    const one = await startMongo()
    t.after(() => one.close())
    fill('shop', one)
    const b = await bench(t, one.url('shop'))
    const target = 'shop_restore_20261120_060000'
    const building = { opid: 7, active: true, appName: 'mongorestore', ns: `${target}.orders` }
    one.store.operations = [building]
    assert.equal(await b.source.works!(never), false)
    await b.restore(await b.backUp())
    assert.equal(await b.source.works!(never), true)
    for (const other of [{ active: false }, { appName: 'shop' }, { ns: 'else.orders' }]) {
      one.store.operations = [{ ...building, ...other }]
      assert.equal(await b.source.works!(never), false)
    }
  })

  test('is ended when a dead run left it, and nothing else is', async (t) => {
    const one = await startMongo()
    t.after(() => one.close())
    const b = await bench(t, one.url('shop'))
    one.store.operations = ['easy-backup dead', 'easy-backup other', 'shop'].map((appName, opid) => ({
      opid,
      appName,
    }))
    assert.equal(await b.source.terminate('dead', never), 1)
    assert.deepEqual(
      one.store.operations.map(({ opid }) => opid as unknown),
      [1, 2],
    )
  })
})

suite('the way to MongoDB', () => {
  test('leads through the filters of the engine and back', async (t) => {
    fill('filtered')
    const b = await bench(t, server.url('filtered'), { pipes: enginePipes(['gzip']) })
    const { tables } = await b.restore(await b.backUp())
    assert.equal(tables.length, 2)
  })

  test('the password is in a private file, and in no argument and no environment', async (t) => {
    fill('secret')
    const b = await bench(t, server.url('secret'))
    const seen: unknown[] = []
    const { join: joined } = b.processes
    b.processes.join = (what, running) => (seen.push(what.stages), joined(what, running))
    await b.restore(await b.backUp())
    const said = JSON.stringify([seen, b.said])
    assert.match(said, /mongodump/)
    assert.match(said, /mongorestore/)
    assert.ok(!said.includes(JSON.stringify(server.password).slice(1, -1)))
    assert.ok(!said.includes(encodeURIComponent(server.password)))
    assert.ok(server.clients.has(`easy-backup ${b.runId}`))
  })

  test('through a tunnel leads to one server of a replica set and to no address that the set announces', async (t) => {
    const one = await startMongo({ replicaSet: 'rs', announced: '192.0.2.1:27017' })
    t.after(() => one.close())
    fill('shop', one)
    const forwarder = await forward(t, one.port)
    const url = one
      .url('shop')
      .replace(one.host, 'db-1.internal:27017,db-2.internal:27017')
      .concat('&replicaSet=rs')
    const b = await bench(t, url, { reach: () => ({ host: '127.0.0.1', port: forwarder }) })
    const backup = await b.backUp()
    assert.equal(backup.endpoint, 'db-1.internal:27017,db-2.internal:27017')
    await b.restore(backup)
    assert.ok(one.store.databases.has('shop_restore_20261120_060000'))
  })

  test('with TLS trusts the authority that is named and no other, and says no host name through a tunnel', async (t) => {
    const certificate = await makeCertificate('localhost')
    const one = await startMongo({ certificate })
    t.after(() => one.close())
    fill('shop', one)
    const authority = join(await temporary(t), 'ca.pem')
    await writeFile(authority, certificate.cert)
    const trusting = await bench(t, `${one.url('shop')}&tls=true&tlsCAFile=${encodeURIComponent(authority)}`)
    await trusting.restore(await trusting.backUp())
    const doubting = await bench(t, `${one.url('shop')}&tls=true`)
    await assert.rejects(doubting.source.inspect(doubting.series, never), {
      code: 'database-refused',
      message: /no encrypted connection/,
    })
    const reach = (): { host: string; port: number } => ({ host: '127.0.0.2', port: 1 })
    const far = await bench(t, `${one.url('shop')}&tls=true`, { reach })
    await assert.rejects(far.source.inspect(far.series, never), {
      code: 'tunnel-refused',
      hint: /tlsInsecure/,
    })
  })
})

async function forward(t: TestContext, to: number): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
    }
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}
