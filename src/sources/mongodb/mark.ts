import type { Db } from 'mongodb'
import { Fault } from '../../core/faults.ts'
import { databasesOf, markName } from './catalogue.ts'
import { withSession, type SessionNeeds } from './session.ts'
import type { Connection } from './url.ts'

interface Mark {
  _id: string
  run: string
  backup: string
}

/** The first thing in a new database: of two that restore into one name, the server lets one make it. From here on something exists
 * that is not whole, and it stays recognisable when nobody is left to remove it.
 * @throws Fault target-exists */
export async function mark(db: Db, { run, backup }: { run: string; backup: string }): Promise<void> {
  try {
    await db.createCollection(markName)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 48) throw error // NamespaceExists
    throw new Fault('target-exists', `another restore into "${db.databaseName}" runs, or died`, {
      hint: `choose another name, or drop that database when no restore runs`,
      cause: error,
    })
  }
  try {
    await db.collection<Mark>(markName).insertOne({ _id: 'restore', run, backup })
  } catch (error) {
    await unmark(db)
    throw error
  }
}

export async function unmark(db: Db): Promise<void> {
  await db.collection(markName).drop()
}

const dropMs = 5 * 60_000 // removing the files of a large database
const mostDrops = 5 // what a killed program had sent already may make a collection anew

/** Drops a database that bears our mark, and no other. Not stopped once it began. @param backup null: of any */
export function dropMarked(
  connection: Connection,
  { context }: Pick<SessionNeeds, 'context'>,
  backup: string | null,
): Promise<void> {
  return withSession(connection, { context, signal: null, deadlineMs: dropMs }, async (session) => {
    const found = await session.db.collection<Mark>(markName).findOne({ _id: 'restore' })
    const isMarked = await session.db.listCollections({ name: markName }).hasNext()
    if (!isMarked || (found && backup !== null && found.backup !== backup)) return
    for (let drops = 0; drops < mostDrops; drops++) {
      await session.db.dropDatabase()
      if (!(await databasesOf(session)).some(({ name }) => name === connection.database)) return
    }
    throw new Fault('restore-failed', `database "${connection.database}" comes back when it is dropped`)
  })
}
