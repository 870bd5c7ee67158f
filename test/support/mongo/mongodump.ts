import { BSON, MongoClient, type Document } from 'mongodb'
import { writeBlock, writeEnd, writeFront, type Metadata } from './archive.ts'
import { readArguments, say, whenItFails } from './arguments.ts'

/** Stands in for mongodump where it is not installed: it really asks a server and really writes an archive. */
const perBlock = 300 // so that the blocks of collections alternate
const { uri, one, all } = readArguments('mongodump', ['db', 'excludeCollection'])

async function write(bytes: Buffer): Promise<void> {
  if (!process.stdout.write(bytes)) await new Promise((resolve) => process.stdout.once('drain', resolve))
}

async function dump(): Promise<void> {
  const name = one('db')
  if (!name) throw new Error('the stub dumps one database')
  const client = await MongoClient.connect(uri, { serverSelectionTimeoutMS: 5_000 })
  const db = client.db(name)
  const listed = (await db.listCollections().toArray()) as { name: string; type: string; options: Document }[]
  const wanted = listed.filter(
    (found) => !all('excludeCollection').includes(found.name) && !found.name.startsWith('system.'),
  )
  const front: Metadata[] = []
  for (const { name: collection, type, options } of wanted) {
    const indexes = type === 'view' ? [] : await db.collection(collection).listIndexes().toArray()
    const metadata = BSON.EJSON.stringify({ indexes, collectionName: collection, type, options })
    front.push({ db: name, collection, type, metadata })
  }
  await write(writeFront(front))
  const open = wanted.map(({ name: collection, type }) => ({
    collection,
    cursor: type === 'view' ? null : db.collection(collection).find({}, { raw: true }),
    documents: [] as Buffer[],
  }))
  while (open.length > 0) {
    const part = open.shift()!
    const block: Buffer[] = []
    for (let document; block.length < perBlock && (document = await part.cursor?.next());)
      block.push(Buffer.from(document as unknown as Buffer))
    part.documents.push(...block)
    if (block.length > 0) await write(writeBlock(name, part.collection, block))
    if (block.length === perBlock) open.push(part)
    else {
      await write(writeEnd(name, part.collection, part.documents))
      say(`done dumping ${name}.${part.collection} (${part.documents.length} documents)`)
    }
  }
  await client.close()
}

whenItFails(dump())
