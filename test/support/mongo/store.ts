import { BSON, type Document } from 'mongodb'

export interface StoredCollection {
  name: string
  type: 'collection' | 'view'
  uuid: BSON.UUID
  options: Document
  indexes: Document[]
  /** As BSON, each as it came. */
  documents: Buffer[]
}

/** Databases in memory. A database is there as soon as it holds a collection, as at the real one. */
export class Store {
  readonly databases = new Map<string, Map<string, StoredCollection>>()
  /** What the server says that it is doing. */
  operations: Document[] = []

  collection(db: string, name: string): StoredCollection | undefined {
    return this.databases.get(db)?.get(name)
  }

  create(db: string, name: string, options: Document = {}): StoredCollection {
    const clash = [...this.databases.keys()].find(
      (one) => one !== db && one.toLowerCase() === db.toLowerCase(),
    )
    if (clash)
      throw new ServerError(13_297, 'DatabaseDifferCase', `db already exists with different case ${clash}`)
    if (this.collection(db, name))
      throw new ServerError(48, 'NamespaceExists', `Collection ${db}.${name} already exists.`)
    const isView = options.viewOn !== undefined
    const made: StoredCollection = {
      name,
      type: isView ? 'view' : 'collection',
      uuid: new BSON.UUID(),
      options,
      indexes: isView ? [] : [{ v: 2, key: { _id: 1 }, name: '_id_' }],
      documents: [],
    }
    const all = this.databases.get(db) ?? new Map<string, StoredCollection>()
    all.set(name, made)
    this.databases.set(db, all)
    return made
  }

  insert(db: string, name: string, documents: readonly Buffer[]): void {
    const collection = this.collection(db, name) ?? this.create(db, name)
    const ids = new Set(collection.documents.map(idOf))
    for (const document of documents) {
      const id = idOf(document)
      if (ids.has(id))
        throw new ServerError(11_000, 'DuplicateKey', `E11000 duplicate key error collection: ${db}.${name}`)
      ids.add(id)
      collection.documents.push(Buffer.from(document))
    }
  }

  drop(db: string, name: string): boolean {
    const all = this.databases.get(db)
    const was = all?.delete(name) ?? false
    if (all?.size === 0) this.databases.delete(db)
    return was
  }

  sizeOf(db: string): number {
    const all = [...(this.databases.get(db)?.values() ?? [])]
    return all.reduce(
      (sum, { documents }) => sum + 4096 + documents.reduce((size, one) => size + one.length, 0),
      0,
    )
  }
}

function idOf(document: Buffer): string {
  return BSON.EJSON.stringify(BSON.deserialize(document, { promoteValues: false })._id)
}

/** What the server answers with `ok: 0`. */
export class ServerError extends Error {
  readonly code: number
  readonly codeName: string
  constructor(code: number, codeName: string, message: string) {
    super(message)
    this.code = code
    this.codeName = codeName
  }
}
