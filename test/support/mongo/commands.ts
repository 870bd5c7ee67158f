import { BSON, type Document } from 'mongodb'
import { ServerError, Store } from './store.ts'

export interface Asked {
  command: Document
  db: string
  documents: Buffer[]
  store: Store
  cursors: Map<string, { ns: string; rest: Buffer[] }>
}

/** What a server does that a client of the tools or of the driver asks for; anything else is an error, as there. */
export const commands: Record<string, (asked: Asked) => Document> = {
  ping: () => ({}),
  buildInfo: () => ({
    version: '7.0.14',
    versionArray: [7, 0, 14, 0],
    gitVersion: 'stand-in',
    maxBsonObjectSize: 16_777_216,
  }),
  getParameter: () => ({ featureCompatibilityVersion: { version: '7.0' } }),
  endSessions: () => ({}),
  killCursors: ({ command, cursors }) => {
    for (const id of command.cursors as BSON.Long[]) cursors.delete(String(id))
    return {
      cursorsKilled: command.cursors as unknown,
      cursorsNotFound: [],
      cursorsAlive: [],
      cursorsUnknown: [],
    }
  },
  currentOp: ({ command, store }) => ({ inprog: [{ opid: 0, active: true, command }, ...store.operations] }),
  killOp: ({ command, store }) => {
    store.operations = store.operations.filter(({ opid }) => opid !== command.op)
    return {}
  },
  listDatabases: ({ store }) => ({
    databases: [...store.databases.keys()].map((name) => ({
      name,
      sizeOnDisk: store.sizeOf(name),
      empty: false,
    })),
    totalSize: 0,
  }),
  dbStats: ({ db, store }) => ({
    db,
    collections: store.databases.get(db)?.size ?? 0,
    storageSize: store.sizeOf(db),
    indexSize: 4096,
  }),
  listCollections: ({ db, command, store }) => {
    const filter = (command.filter ?? {}) as Document
    const names = onlyKeys(filter, ['name', 'type'])
    const found = [...(store.databases.get(db)?.values() ?? [])].filter(
      ({ name, type }) =>
        (names.name === undefined || names.name === name) &&
        (names.type === undefined || names.type === type),
    )
    const listed = found.map(({ name, type, options, uuid }) => ({
      name,
      type,
      options,
      info: { readOnly: type === 'view', ...(type === 'collection' && { uuid }) },
      ...(type === 'collection' && { idIndex: { v: 2, key: { _id: 1 }, name: '_id_' } }),
    }))
    return { cursor: { id: BSON.Long.ZERO, ns: `${db}.$cmd.listCollections`, firstBatch: listed } }
  },
  listIndexes: ({ db, command, store }) => {
    const found = store.collection(db, String(command.listIndexes))
    if (!found)
      throw new ServerError(26, 'NamespaceNotFound', `ns does not exist: ${db}.${command.listIndexes}`)
    if (found.type === 'view') throw new ServerError(166, 'CommandNotSupportedOnView', 'it is a view')
    return { cursor: { id: BSON.Long.ZERO, ns: `${db}.${found.name}`, firstBatch: found.indexes } }
  },
  create: ({ db, command, store }) => {
    const { create, capped, size, max, viewOn, pipeline, collation, validator, timeseries } = command
    const options = { capped, size, max, viewOn, pipeline, collation, validator, timeseries }
    store.create(
      db,
      String(create),
      Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
    )
    return {}
  },
  createIndexes: ({ db, command, store }) => {
    const found =
      store.collection(db, String(command.createIndexes)) ?? store.create(db, String(command.createIndexes))
    const before = found.indexes.length
    for (const index of command.indexes as Document[])
      if (!found.indexes.some(({ name }) => name === index.name)) found.indexes.push(index)
    return { numIndexesBefore: before, numIndexesAfter: found.indexes.length }
  },
  insert: ({ db, command, documents, store }) => {
    try {
      store.insert(db, String(command.insert), documents)
    } catch (error) {
      if (!(error instanceof ServerError) || error.code !== 11_000) throw error
      return { n: 0, writeErrors: [{ index: 0, code: error.code, errmsg: error.message }] }
    }
    return { n: documents.length }
  },
  drop: ({ db, command, store }) => {
    if (!store.drop(db, String(command.drop))) throw new ServerError(26, 'NamespaceNotFound', 'ns not found')
    return {}
  },
  dropDatabase: ({ db, store }) => (store.databases.delete(db) ? { dropped: db } : {}),
  count: ({ db, command, store }) => {
    onlyKeys((command.query ?? {}) as Document, [])
    return { n: store.collection(db, String(command.count))?.documents.length ?? 0 }
  },
  collStats: () => ({ wiredTiger: {} }),
  aggregate,
  find,
  getMore: ({ command, cursors }) => {
    const id = String(command.getMore)
    const cursor = cursors.get(id)
    if (!cursor) throw new ServerError(43, 'CursorNotFound', `cursor id ${id} not found`)
    return { cursor: batch(cursors, { id, ns: cursor.ns, rest: cursor.rest, most: 1000 }, 'nextBatch') }
  },
  connectionStatus: () => ({
    authInfo: { authenticatedUsers: [], authenticatedUserRoles: [], authenticatedUserPrivileges: [] },
  }),
  replSetGetStatus: () => {
    throw new ServerError(76, 'NoReplicationEnabled', 'not running with --replSet')
  },
}

/** Documents of a whole collection, or the one of an `_id`; the rest of the language is not spoken here. */
function find({ db, command, store, cursors }: Asked): Document {
  const ns = `${db}.${command.find}`
  const found = store.collection(db, String(command.find))
  if (found?.type === 'view')
    throw new ServerError(166, 'CommandNotSupportedOnView', 'views are not read here')
  const { _id: id } = onlyKeys((command.filter ?? {}) as Document, ['_id'])
  const all = [...(found?.documents ?? [])].filter(
    (one) => id === undefined || BSON.EJSON.stringify(BSON.deserialize(one)._id) === BSON.EJSON.stringify(id),
  )
  const limited = command.limit ? all.slice(0, Math.abs(Number(command.limit))) : all
  const most = Number(command.batchSize ?? 101)
  return { cursor: batch(cursors, { id: null, ns, rest: limited, most }, 'firstBatch') }
}

interface Batch {
  id: string | null
  ns: string
  rest: Buffer[]
  most: number
}

let cursorsMade = 0

function batch(cursors: Asked['cursors'], { id, ns, rest, most }: Batch, field: string): Document {
  let bytes = 0
  let count = 0
  while (count < rest.length && count < most && (count === 0 || bytes + rest[count]!.length < 16_000_000))
    bytes += rest[count++]!.length
  const now = rest.slice(0, count)
  const later = rest.slice(count)
  const own = id ?? String(++cursorsMade)
  if (later.length > 0) cursors.set(own, { ns, rest: later })
  else cursors.delete(own)
  const documents = now.map((one) => BSON.deserialize(one, { promoteValues: false, bsonRegExp: true }))
  return { id: BSON.Long.fromString(later.length > 0 ? own : '0'), ns, [field]: documents }
}

/** A count of all, as drivers ask for it. */
function aggregate({ db, command, store }: Asked): Document {
  const stages = (command.pipeline as Document[]).filter((stage) => JSON.stringify(stage) !== '{"$match":{}}')
  const shape = JSON.stringify(stages)
  if (shape !== '[{"$group":{"_id":1,"n":{"$sum":1}}}]')
    throw new ServerError(40_324, 'Location40324', `this pipeline is not understood here: ${shape}`)
  const found = store.collection(db, String(command.aggregate))
  const n = found?.documents.length ?? 0
  return {
    cursor: {
      id: BSON.Long.ZERO,
      ns: `${db}.${command.aggregate}`,
      firstBatch: n === 0 ? [] : [{ _id: 1, n }],
    },
  }
}

function onlyKeys(filter: Document, known: string[]): Document {
  const odd = Object.keys(filter).find((key) => !known.includes(key))
  if (odd !== undefined) throw new ServerError(2, 'BadValue', `a filter by ${odd} is not understood here`)
  return filter
}
