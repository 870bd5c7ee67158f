import { Fault } from '../../core/faults.ts'
import { isTable, type Relation } from './facts.ts'
import { grantsToRead, readRights } from './grants.ts'
import { quoted } from './names.ts'
import type { Session } from './session.ts'
import type { Connection } from './url.ts'

const [noDatabaseRight, noTableRight, noColumnRight] = [1044, 1142, 1143]

/** What a user may not read is not refused by the dump programs: they leave it out, as if it were not there. Without rights on the whole
 * database there may be tables that nobody lists.
 * @param relations  what will be dumped
 * @param isNamed  these are all that was asked for, so that rights on each of them are enough
 * @throws Fault database-refused */
export async function refuseUnreadable(
  session: Session,
  { origin, relations, isNamed }: { origin: Connection; relations: readonly Relation[]; isNamed: boolean },
): Promise<void> {
  const { database, user } = origin
  const rights = await readRights(session)
  const tables = relations.filter(({ type }) => isTable(type))
  const views = relations.filter(({ type }) => type === 'VIEW')
  const has = (right: string, on: readonly Relation[]): boolean =>
    rights.on(right, database) || (isNamed && on.every(({ name }) => rights.on(right, database, name)))
  const missing = [
    ...(has('SELECT', relations) ? [] : ['SELECT']),
    ...(views.length === 0 || has('SHOW VIEW', views) ? [] : ['SHOW VIEW']),
    ...(has('TRIGGER', tables) ? [] : ['TRIGGER']),
    ...(rights.on('EVENT', database) ? [] : ['EVENT']),
  ]
  const refused = (what: string): Fault =>
    new Fault(
      'database-refused',
      `user "${user}" has no right to ${what}: a dump would be without what it cannot see`,
      { hint: grantsToRead(origin, session.version), retry: false },
    )
  if (missing.length > 0) throw refused(`${missing.join(', ')} on database "${database}"`)
  const tried = rights.on('SELECT', database) ? [] : relations // a right may be on single columns
  for (const { name } of tried)
    if (!(await isReadable(session, name))) throw refused(`all columns of table "${name}"`)
  const hidden = await hiddenRoutines(session, database)
  if (hidden !== null) throw refused(hidden)
}

/** Whatever else is wrong with it the dump program says. */
async function isReadable({ rows }: Session, name: string): Promise<boolean> {
  const denied = [noDatabaseRight, noTableRight, noColumnRight]
  return rows(`SELECT * FROM ${quoted(name)} LIMIT 0`).then(
    () => true,
    (error: { errno?: number }) => !denied.includes(error.errno ?? 0),
  )
}

/** Bodies of routines are shown to whoever made them, and to those who may read where the server keeps them; the routines themselves also
 * to those who may call or change all of the database's. @returns what may not be read, or null */
export async function hiddenRoutines(session: Session, database: string): Promise<string | null> {
  const rights = await readRights(session)
  if (session.version.flavour === 'MySQL' && rights.everywhere('SELECT')) return null
  if (rights.everywhere('SHOW_ROUTINE') || rights.on('SHOW CREATE ROUTINE', database)) return null
  const mayReadAll = await session.rows('SELECT * FROM mysql.proc LIMIT 0').then(
    () => true,
    () => false,
  )
  if (mayReadAll) return null
  const areListed = ['EXECUTE', 'CREATE ROUTINE', 'ALTER ROUTINE'].some((right) => rights.on(right, database))
  if (!areListed) return `routines of database "${database}"`
  const [hidden] = await session.rows<{ name: string }>(
    `SELECT ROUTINE_NAME AS name FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND ROUTINE_DEFINITION IS NULL LIMIT 1`,
  )
  return hidden ? `the body of routine "${hidden.name}"` : null
}
