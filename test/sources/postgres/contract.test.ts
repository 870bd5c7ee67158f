import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { after, before } from 'node:test'
import { postgres } from '../../../src/sources/postgres/index.ts'
import { sourceContract } from '../../contracts/source.ts'
import { startPostgres, type PostgresServer } from '../../support/postgres.ts'
import { contentOf, databaseIn, exists, hardToCopy, keepWriting } from './databases.ts'

const run = promisify(execFile)
let server: PostgresServer
let made = 0

before(async () => void (server = await startPostgres()))
after(() => server.close())

async function create(): Promise<string> {
  const name = `shop_${++made}`
  await server.createDatabase(name)
  return name
}

sourceContract({
  driver: postgres,
  endsItself: true, // pg_restore reads what the table of contents names
  badUrls: [
    'postgres://u:p@h',
    'postgres://u:p@h:0/x',
    'postgres://u:100%@h/x',
    'postgres://u:p@h1,h2/x?target_session_attrs=slave',
    'postgres://u:p@h/x?sslmode=maybe',
    'postgres://u:p@h/x?pgbouncer=true',
    'postgres://u:p%0A@h/x',
    'shop',
  ],
  secretOf: (url) => new URL(url).password,
  missingUrl: () => server.url('no such database'),
  content: (url, place) => contentOf(server, place ?? databaseIn(url)),
  exists: (_url, place) => exists(server, place),

  async make() {
    const name = await create()
    await server.query(hardToCopy.sql, name)
    return { url: server.url(name), tables: hardToCopy.tables }
  },

  async makeEmpty() {
    return { url: server.url(await create()), tables: [] }
  },

  async makeBusy(t) {
    const name = await create()
    return { url: server.url(name), tables: [], stop: await keepWriting(t, server.url(name)) }
  },

  async paste(_url, folder, commands) {
    const connection = { PGHOST: '127.0.0.1', PGPORT: String(server.port), PGUSER: server.superuser }
    const env = { ...process.env, ...connection, PGPASSWORD: server.password }
    for (const command of commands) await run('sh', ['-c', command], { cwd: folder, env })
    return contentOf(server, 'restored')
  },
})
