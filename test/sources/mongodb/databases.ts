import { rm } from 'node:fs/promises'
import { delimiter } from 'node:path'
import { BSON, MongoClient, type Db } from 'mongodb'
import type { TableRows } from '../../../src/core/model.ts'
import { startMongo, type MongoSetting, type MongoStandIn } from '../../support/mongo/server.ts'
import { makeMongoTools } from '../../support/mongo/tools.ts'

/** Where these tests run: a server and tools that stand in, or real ones.
 * `MONGODB_URL=mongodb://root:password@host:27017/?authSource=admin` and the tools on PATH: everything is real.
 * `MONGODB_TOOLS=/folder`: real tools against the server that stands in. */
export interface Setting {
  /** Of a database, with the password. */
  url(database: string): string
  password: string
  /** null: a real one. */
  server: MongoStandIn | null
  with<T>(work: (client: MongoClient) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export const live = process.env.MONGODB_URL

export async function startSetting(setting: MongoSetting = {}): Promise<Setting> {
  const server = live === undefined ? await startMongo(setting) : null
  const own = live === undefined && process.env.MONGODB_TOOLS === undefined ? await makeMongoTools() : null
  const folder = own ?? process.env.MONGODB_TOOLS
  if (folder !== undefined) process.env.PATH = `${folder}${delimiter}${process.env.PATH}`
  const url =
    server?.url ?? ((database: string) => live!.replace(/\/(?=\?|$)/, `/${encodeURIComponent(database)}`))
  return {
    url,
    password: server?.password ?? /:([^:@/]+)@/.exec(live!)?.[1] ?? '',
    server,
    async with(work) {
      const client = await MongoClient.connect(url('admin'))
      try {
        return await work(client)
      } finally {
        await client.close()
      }
    },
    async close() {
      await server?.close()
      if (own !== null) await rm(own, { recursive: true })
    },
  }
}

/** Whatever is hard to copy: every kind of value, odd names, indexes, a view. */
export async function fillHard(db: Db): Promise<TableRows[]> {
  await db.createCollection('empty')
  await db.createCollection('names with .dots, * and "quotes"')
  await db.collection('names with .dots, * and "quotes"').insertOne({ _id: 1 as never, ключ: '\u0000 \n 😀' })
  const values = [
    { double: new BSON.Double(1), zero: new BSON.Double(-0), nan: Number.NaN, far: Number.POSITIVE_INFINITY },
    { int: new BSON.Int32(1), long: BSON.Long.MAX_VALUE, decimal: BSON.Decimal128.fromString('1.10') },
    {
      binary: new BSON.Binary(Buffer.from([0, 255, 10])),
      uuid: new BSON.UUID('b0b4c4a1-5c5e-4c39-9f5c-0c4f2f6b1a11'),
    },
    {
      date: new Date(-1),
      stamp: new BSON.Timestamp({ t: 1, i: 2 }),
      pattern: new BSON.BSONRegExp('a/b', 'i'),
    },
    {
      code: new BSON.Code('return 1'),
      low: new BSON.MinKey(),
      high: new BSON.MaxKey(),
      none: null,
      list: [[], {}],
    },
  ]
  await db.collection('values').insertMany(values.map((value, index) => ({ _id: index as never, value })))
  const orders = Array.from({ length: 2_000 }, (_, id) => ({
    _id: id as never,
    text: `Zoë ${id}\n`,
    photo: new BSON.Binary(Buffer.alloc(60, id)),
  }))
  await db.collection('orders').insertMany(orders)
  await db.collection('orders').createIndex({ text: 1, photo: -1 })
  await db.createCollection('recent', { viewOn: 'orders', pipeline: [{ $match: { _id: { $gt: 1 } } }] })
  return [
    { name: 'empty', rows: 0 },
    { name: 'names with .dots, * and "quotes"', rows: 1 },
    { name: 'orders', rows: 2_000 },
    { name: 'values', rows: 5 },
  ]
}

/** Everything, as text that is equal for equal content. */
export async function contentOf(db: Db): Promise<string> {
  const listed = (await db.listCollections().toArray()) as { name: string; type: string; options: unknown }[]
  const parts: string[] = []
  for (const { name, type, options } of listed
    .filter(({ name: one }) => one !== 'system.views')
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    parts.push(`${type} ${name} ${JSON.stringify(options)}`)
    if (type === 'view') continue
    const indexes = await db.collection(name).listIndexes().toArray()
    parts.push(...indexes.map(({ name: index, key }) => `index ${index} ${JSON.stringify(key)}`).toSorted())
    const documents = await db.collection(name).find({}, { promoteValues: false, bsonRegExp: true }).toArray()
    parts.push(...documents.map((one) => BSON.EJSON.stringify(one, { relaxed: false })).toSorted())
  }
  return parts.join('\n')
}
