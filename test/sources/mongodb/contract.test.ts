import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { mongodb } from '../../../src/sources/mongodb/index.ts'
import { sourceContract } from '../../contracts/source.ts'
import { contentOf, fillHard, live, startSetting, type Setting } from './databases.ts'

const run = promisify(execFile)
const stem = `eb_test_${process.pid}`
let setting: Setting
let made = 0

before(async () => void (setting = await startSetting()))
after(async () => {
  if (live !== undefined)
    await setting.with(async (client) => {
      const { databases } = await client.db().admin().listDatabases()
      for (const { name } of databases)
        if (name.startsWith(stem) || name === 'restored') await client.db(name).dropDatabase()
    })
  await setting.close()
})

test(
  'the same suite with a real server and the real tools',
  { skip: live === undefined && 'MONGODB_URL is not set' },
  () => {},
)

const databaseOf = (url: string): string => decodeURIComponent(/\/([^/?]+)\?/.exec(url)![1]!)

sourceContract({
  driver: mongodb,
  notOneMoment: /not of one moment/,
  badUrls: [
    'mongodb://u:p@h',
    'mongodb://u:p@h/',
    'mongodb://u:p@h:0/x',
    'mongodb://u:100%@h/x',
    'mongodb://u:p@h/admin',
    'mongodb://u:p@h/a.b',
    'mongodb://u:p@h/x?pool=3',
    'mongodb://u:p@h/x?tls=maybe',
    'mongodb://u:p%0A@h/x',
    'mongodb+srv://u:p@a.example.com,b.example.com/x',
    'mongodb:shop',
  ],
  secretOf: () => setting.password,
  missingUrl: () => setting.url('no_such_database'),
  content: (url, place) => setting.with((client) => contentOf(client.db(place ?? databaseOf(url)))),
  exists: (_url, place) =>
    setting.with(async (client) => {
      const { databases } = await client.db().admin().listDatabases()
      return databases.some(({ name }) => name === place)
    }),

  async make() {
    const name = `${stem}_${++made}`
    const tables = await setting.with((client) => fillHard(client.db(name)))
    return { url: setting.url(name), tables }
  },

  async makeEmpty() {
    const name = `${stem}_${++made}`
    await setting.with((client) =>
      client.db(name).createCollection('only_a_view', { viewOn: 'nothing', pipeline: [] }),
    )
    return { url: setting.url(name), tables: [] }
  },

  async makeBusy() {
    const name = `${stem}_${++made}`
    let writing = true
    const writer = setting.with(async (client) => {
      for (let id = 0; writing; id++) {
        await client
          .db(name)
          .collection('ledger_a')
          .insertOne({ _id: id as never })
        await client
          .db(name)
          .collection('ledger_b')
          .insertOne({ _id: id as never })
      }
    })
    await pause(50)
    return { url: setting.url(name), tables: [], stop: async () => ((writing = false), await writer) }
  },

  async paste(url, folder, commands) {
    const config = join(folder, 'uri.yml')
    await writeFile(config, `uri: ${JSON.stringify(url.replace(/\/[^/?]+\?/, '/?'))}\n`, { mode: 0o600 })
    await setting.with((client) => client.db('restored').dropDatabase())
    for (const command of commands)
      await run('sh', ['-c', command.replace(/^mongorestore /, `mongorestore --config='${config}' `)], {
        cwd: folder,
      })
    return setting.with((client) => contentOf(client.db('restored')))
  },
})
