import type { Db } from 'mongodb'
import type { TableRows } from '../../core/model.ts'
import type { Session } from './session.ts'

/** A collection as the server lists it. */
export interface Listed {
  name: string
  type: 'collection' | 'view' | 'timeseries'
  /** Stays the same until it is dropped; null of a view. */
  uuid: string | null
}

/** In a database that a restore has not finished: it names the backup, and lets no second restore in. */
export const markName = 'easy_backup_partial_restore'

/** What people put into a database, without what the server keeps there for itself. */
export async function collectionsOf(db: Db): Promise<Listed[]> {
  const found = await db.listCollections({}, { nameOnly: false }).toArray()
  return (found as { name: string; type?: string; info?: { uuid?: { toString(): string } } }[])
    .filter(({ name }) => name !== markName && isOurs(name))
    .map(({ name, type, info }) => ({
      name,
      type: type === 'view' || type === 'timeseries' ? type : 'collection',
      uuid: info?.uuid?.toString() ?? null,
    }))
}

/** mongodump leaves out the others, too. Stored functions are in `system.js`, the rows of a time series in its buckets. */
function isOurs(name: string): boolean {
  return !name.startsWith('system.') || name === 'system.js' || name.startsWith('system.buckets.')
}

/** Those with documents of their own. */
export function withRows(listed: readonly Listed[]): string[] {
  return listed.filter(({ type }) => type === 'collection').map(({ name }) => name)
}

/** Exact: what the server says without counting may be wrong after it was killed. */
export async function countRows(db: Db, names: readonly string[]): Promise<TableRows[]> {
  const counted: TableRows[] = []
  for (const name of names) counted.push({ name, rows: await db.collection(name).countDocuments({}) })
  return counted
}

/** How many of each kind, as `archive.ts` counts those of a dump. */
export async function countObjects(db: Db): Promise<Record<string, number>> {
  const counted: Record<string, number> = {}
  const add = (kind: string, count: number): void => {
    if (count > 0) counted[kind] = (counted[kind] ?? 0) + count
  }
  for (const { name, type } of await collectionsOf(db)) {
    if (name.startsWith('system.buckets.')) continue // counted as the time series that it belongs to
    add(type, 1)
    if (type !== 'view') add('index', (await db.collection(name).listIndexes().toArray()).length)
  }
  return counted
}

/** Databases that we may see, the server's own left out. */
export async function databasesOf({ admin }: Session): Promise<{ name: string; sizeBytes: number | null }[]> {
  const { databases } = await admin.admin().listDatabases()
  return databases.map(({ name, sizeOnDisk }) => ({ name, sizeBytes: sizeOnDisk ?? null }))
}

/** The server refuses this question to who may see only some of its databases; without a yes nothing counts as gone.
 * https://www.mongodb.com/docs/manual/reference/command/listDatabases/ */
export function seesAll({ admin }: Session): Promise<boolean> {
  const asked = admin.command({ listDatabases: 1, nameOnly: true, authorizedDatabases: false })
  return asked.then(
    () => true,
    () => false,
  )
}
