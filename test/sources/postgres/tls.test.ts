import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { postgres } from '../../../src/sources/postgres/index.ts'
import { openBench, type Bench } from '../../contracts/source.ts'
import { makeAuthority, type Authority } from '../../support/authority.ts'
import { startPostgres, type PostgresServer } from '../../support/postgres.ts'

const never = new AbortController().signal
let server: PostgresServer
let folder: string
let ours: Authority
let other: Authority
let client: { cert: string; key: string }
let stranger: { cert: string; key: string }

/** A server that speaks TLS only, as `db.example`; the role `certified` needs a certificate of our authority beside its password. */
before(async () => {
  server = await startPostgres()
  folder = await mkdtemp(join(tmpdir(), 'eb-tls-'))
  ours = makeAuthority(folder, 'ours')
  other = makeAuthority(folder, 'other')
  client = ours.issue('client', 'certified')
  stranger = other.issue('stranger', 'certified')
  const { cert, key } = ours.issue('server', 'db.example')
  const at = join(server.socketDir, 'data')
  for (const [from, to] of [
    [cert, 'server.pem'],
    [key, 'server.key'],
    [ours.ca, 'ours.pem'],
  ] as const)
    giveTo(join(at, 'PG_VERSION'), from, join(at, to))
  writeFileSync(
    join(at, 'pg_hba.conf'),
    `host all postgres 127.0.0.1/32 scram-sha-256
     hostssl all certified 127.0.0.1/32 scram-sha-256 clientcert=verify-ca
     hostssl all all 127.0.0.1/32 scram-sha-256\n`,
  )
  await server.createDatabase('shop')
  await server.query('CREATE TABLE sold (id int); INSERT INTO sold VALUES (1), (2)', 'shop')
  for (const role of ['plain', 'certified'])
    await server.query(`CREATE ROLE ${role} LOGIN PASSWORD 'pw'; GRANT pg_read_all_data TO ${role}`)
  const settings = {
    ssl_cert_file: 'server.pem',
    ssl_key_file: 'server.key',
    ssl_ca_file: 'ours.pem',
    ssl: 'on',
  }
  for (const [name, value] of Object.entries(settings))
    await server.query(`ALTER SYSTEM SET ${name} = '${value}'`)
  await server.query('SELECT pg_reload_conf()')
})
after(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

/** The server may read it, and nobody else. */
function giveTo(like: string, from: string, to: string): void {
  copyFileSync(from, to)
  execFileSync('chown', [`--reference=${like}`, to])
  chmodSync(to, 0o600)
}

interface How {
  host?: string
  role?: string
  [parameter: string]: string | undefined
}

/** The server by a name that no resolver knows, and with parameters of the URL. */
function bench(t: TestContext, { host = 'db.example', role = 'plain', ...parameters }: How): Promise<Bench> {
  const query = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, value!]))
  const url = `postgres://${role}:pw@${host}:5432/shop?${query.toString()}`
  const reach = (): { host: string; port: number } => ({ host: '127.0.0.1', port: server.port })
  return openBench(t, { facts: { driver: postgres }, url, reach })
}

/** @returns what the session says, and what pg_dump does; `well` when it worked */
async function both(t: TestContext, how: How): Promise<[session: string, program: string]> {
  const said = (error: unknown): string => {
    const { code, message, hint } = error as { code: string; message: string; hint: string }
    return `${code}: ${message} (${hint})`
  }
  const b = await bench(t, how)
  const session = await b.source.inspect(b.series, never).then(() => 'well', said)
  const engine = { kind: 'postgres', name: 'PostgreSQL', serverVersion: '15', toolVersion: '15' }
  const inspection = { engine } as Parameters<typeof b.source.dump>[1]
  const program = await b.source.dump(b.series, inspection, b.sink(), never).then(() => 'well', said)
  return [session, program]
}

suite('TLS to PostgreSQL, of our sessions and of pg_dump', () => {
  test('verify-full with the right authority: dumped, also where the server is reached over a tunnel', async (t) => {
    const b = await bench(t, { sslmode: 'verify-full', sslrootcert: ours.ca })
    assert.deepEqual((await b.backUp()).tables, [{ name: 'public.sold', rows: 2 }])
  })

  test('without encryption this server lets nobody in', async (t) => {
    for (const said of await both(t, { sslmode: 'disable' }))
      assert.match(said, /^database-refused: .*sslmode=require/)
    assert.deepEqual(await both(t, {}), ['well', 'well'])
    assert.deepEqual(await both(t, { sslmode: 'require' }), ['well', 'well'])
  })

  test('another authority is refused: by verify-full, verify-ca, and require where one is named', async (t) => {
    for (const sslmode of ['verify-full', 'verify-ca', 'require'])
      for (const said of await both(t, { sslmode, sslrootcert: other.ca }))
        assert.match(
          said,
          /^database-refused: no encrypted connection to db\.example:5432: .*certificate/,
          sslmode,
        )
  })

  test('a certificate of another name is refused by verify-full alone', async (t) => {
    const host = 'other.example'
    for (const said of await both(t, { host, sslmode: 'verify-full', sslrootcert: ours.ca }))
      assert.match(said, /^database-refused: no encrypted connection to other\.example:5432: /)
    assert.deepEqual(await both(t, { host, sslmode: 'verify-ca', sslrootcert: ours.ca }), ['well', 'well'])
  })

  test('a client certificate: with it in, without it out, and one of a stranger is out too', async (t) => {
    const verified = { role: 'certified', sslmode: 'verify-full', sslrootcert: ours.ca }
    const own = { sslcert: client.cert, sslkey: client.key }
    assert.deepEqual(await both(t, { ...verified, ...own }), ['well', 'well'])
    for (const said of await both(t, verified))
      assert.match(said, /^database-refused: .*client certificate.*sslcert/)
    for (const said of await both(t, { ...verified, sslcert: stranger.cert, sslkey: stranger.key }))
      assert.match(said, /^database-refused: .*(unknown ca|client certificate)/)
  })

  test('a file that is missing, and a key that others can read, are told with the file', async (t) => {
    const gone = join(folder, 'gone.pem')
    for (const said of await both(t, { sslmode: 'verify-full', sslrootcert: gone }))
      assert.match(said, /^database-refused: no encrypted connection .*gone\.pem/)
    const open = join(folder, 'open.key')
    writeFileSync(open, readFileSync(client.key), { mode: 0o644 })
    const how = { sslmode: 'verify-full', sslrootcert: ours.ca, sslcert: client.cert, sslkey: open }
    for (const said of await both(t, how))
      assert.match(said, /open\.key" has group or world access.*chmod 600/)
  })
})
