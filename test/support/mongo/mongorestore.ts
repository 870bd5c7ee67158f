import { readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { BSON, MongoClient, type Document } from 'mongodb'
import { readArchive } from './archive.ts'
import { readArguments, say, whenItFails } from './arguments.ts'

/** Stands in for mongorestore where it is not installed. */
const known = ['stopOnError', 'bypassDocumentValidation', 'nsInclude', 'nsFrom', 'nsTo', 'uri']
const { uri, one, all } = readArguments('mongorestore', known)

/** `a\*b.*`: a star that is escaped is one, the other stands for anything. */
function patternOf(pattern: string): RegExp {
  const source = pattern.replaceAll(/\\(.)|([^\\])/g, (_, escaped: string, plain: string) =>
    plain === '*' ? '(.*)' : (escaped ?? plain).replaceAll(/[$()*+./?[\\\]^{|}-]/g, '\\$&'),
  )
  return new RegExp(`^${source}$`, 's')
}

function renamed(ns: string): string {
  const [from, to] = [one('nsFrom'), one('nsTo')]
  const found = from === undefined ? null : patternOf(from).exec(ns)
  if (found === null || to === undefined) return ns
  const parts = found.slice(1)
  return to.replaceAll(/\\(.)|(\*)/g, (_, escaped?: string) => escaped ?? parts.shift()!)
}

function isWanted(ns: string): boolean {
  const patterns = all('nsInclude')
  return patterns.length === 0 || patterns.some((pattern) => patternOf(pattern).test(ns))
}

async function restore(): Promise<void> {
  const archive = one('archive')
  const client = await MongoClient.connect(one('uri') ?? uri, { serverSelectionTimeoutMS: 5_000 })
  const indexes: (() => Promise<unknown>)[] = []
  let restored = 0
  const place = (db: string, name: string) => {
    const to = renamed(`${db}.${name}`)
    const dot = to.indexOf('.')
    return { db: client.db(to.slice(0, dot)), name: to.slice(dot + 1) }
  }
  await readArchive(archive ? readFileSync(archive) : await buffer(process.stdin), {
    async onCollection({ db, collection, metadata }) {
      if (!isWanted(`${db}.${collection}`)) return
      const facts = BSON.EJSON.parse(metadata) as { options: Document; indexes: Document[] }
      const to = place(db, collection)
      await to.db.createCollection(to.name, facts.options)
      const own = facts.indexes.filter(({ name }) => name !== '_id_')
      if (own.length > 0) indexes.push(() => to.db.command({ createIndexes: to.name, indexes: own }))
    },
    async onDocuments(db, collection, documents) {
      if (documents.length === 0 || !isWanted(`${db}.${collection}`)) return
      const to = place(db, collection)
      const read = documents.map((one) => BSON.deserialize(one, { promoteValues: false, bsonRegExp: true }))
      await to.db.collection(to.name).insertMany(read)
      restored += documents.length
    },
  })
  for (const build of indexes) await build()
  say(`${restored} document(s) restored successfully. 0 document(s) failed to restore.`)
  await client.close()
}

whenItFails(restore())
