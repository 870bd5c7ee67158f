import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { after, before } from 'node:test'
import { mysql } from '../../../src/sources/mysql/index.ts'
import { sourceContract } from '../../contracts/source.ts'
import type { MariadbServer } from '../../support/mariadb.ts'
import { startServer } from '../../support/mysql.ts'
import { contentOf, databaseIn, exists, hardToCopy, keepWriting } from './databases.ts'

const run = promisify(execFile)
let server: MariadbServer
let made = 0

before(async () => void (server = await startServer()))
after(() => server.close())

async function create(): Promise<string> {
  const name = `shop-${++made}`
  await server.createDatabase(name)
  return name
}

sourceContract({
  driver: mysql,
  badUrls: [
    'mysql://u:p@h',
    'mysql://u:p@h:0/x',
    'mysql://u:100%@h/x',
    'mysql://u:p@h1,h2/x',
    'mysql://u:p@h/x?ssl-mode=maybe',
    'mysql://u:p@h/x?charset=utf8',
    'mysql://u:p@h/x?ssl-cert=/c.pem',
    'mysql://u:p@10.0.0.1/x?ssl-mode=verify-identity',
    'mysql://u:p%0A@h/x',
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
    const file = join(folder, 'my.cnf')
    await writeFile(file, `[client]\nuser=root\npassword=${server.password}\nsocket=${server.socket}\n`)
    for (const command of commands) {
      const line = command.replace(/^mysql/, `mysql --defaults-file=${file}`)
      await run('sh', ['-c', line], { cwd: folder })
    }
    return contentOf(server, 'restored')
  },
})
