import { Fault } from '../../core/faults.ts'
import { relationsOf, type RelationKind } from './dump.ts'
import { quoted, tableName } from './names.ts'
import type { Place } from './place.ts'
import type { Session } from './session.ts'

const readAllDataSince = 14 // the first version with the role pg_read_all_data
const askLargeObjectSince = 18 // the first one with has_largeobject_privilege
const shown = 3

/** For doctor: all that pg_dump reads with this user's rights, also what is no table.
 * @returns that it is so
 * @throws Fault database-refused with the first few that it may not read, and what to grant */
export async function readable(session: Session, { origin, options }: Place): Promise<string> {
  const user = quoted(origin.user)
  const isWhole = options.schemas === undefined && options.tables === undefined // else pg_dump takes no large object
  const found = [
    await deniedTables(session, user),
    await deniedSequences(session, user),
    await securedTables(session, user),
    isWhole ? await deniedLargeObjects(session, user) : null,
  ].filter((lack) => lack !== null)
  if (found.length === 0) return 'every table can be read'
  const hints = new Set(found.map(({ grant }) => grant))
  throw new Fault('database-refused', found.map(({ text }) => text).join('; '), {
    hint: [...hints].join(' '),
  })
}

interface Lack {
  text: string
  /** SQL to type. */
  grant: string
}

async function deniedTables(session: Session, user: string): Promise<Lack | null> {
  const names = await relations(
    session,
    ['r', 'p'],
    `NOT (has_schema_privilege(schema, 'USAGE') AND has_table_privilege(oid, 'SELECT'))`,
  )
  return lackOf('no right to read', names, grantOf(session, { user, what: 'TABLE', names }))
}

async function deniedSequences(session: Session, user: string): Promise<Lack | null> {
  const names = await relations(
    session,
    ['S'],
    `NOT (has_schema_privilege(schema, 'USAGE') AND has_sequence_privilege(oid, 'SELECT'))`,
  )
  return lackOf('no right to read sequence', names, grantOf(session, { user, what: 'SEQUENCE', names }))
}

/** pg_dump stops rather than leave rows out. */
async function securedTables(session: Session, user: string): Promise<Lack | null> {
  const names = await relations(session, ['r'], 'row_security_active(oid)')
  return lackOf('row level security would stop the dump at', names, `ALTER ROLE ${user} BYPASSRLS;`)
}

async function deniedLargeObjects(session: Session, user: string): Promise<Lack | null> {
  const mayRead =
    session.serverMajor >= askLargeObjectSince
      ? `has_largeobject_privilege(oid, 'SELECT')`
      : `pg_has_role(lomowner, 'USAGE') OR EXISTS (SELECT FROM aclexplode(lomacl) a
          WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))`
  const rows = await session.rows<{ name: string }>(
    `SELECT oid::text AS name FROM pg_largeobject_metadata
     WHERE NOT (${mayRead}) AND current_setting('lo_compat_privileges') = 'off' ORDER BY oid LIMIT ${shown + 1}`,
  )
  const names = rows.map(({ name }) => name)
  const grant = `GRANT SELECT ON LARGE OBJECT ${names.slice(0, shown).join(', ')} TO ${user};`
  return lackOf('no right to read large object', names, grant)
}

async function relations(session: Session, kinds: readonly RelationKind[], where: string): Promise<string[]> {
  const rows = await session.rows<{ schema: string; name: string }>(
    `SELECT schema, name FROM (${relationsOf(kinds)}) t WHERE ${where} ORDER BY 1, 2 LIMIT ${shown + 1}`,
  )
  return rows.map(({ schema, name }) => tableName(schema, name))
}

function lackOf(what: string, names: readonly string[], grant: string): Lack | null {
  if (names.length === 0) return null
  const more = names.length > shown ? ' and more' : ''
  return { text: `${what} ${names.slice(0, shown).join(', ')}${more}`, grant }
}

function grantOf(
  { serverMajor }: Session,
  { user, what, names }: { user: string; what: 'TABLE' | 'SEQUENCE'; names: readonly string[] },
): string {
  if (serverMajor >= readAllDataSince) return `GRANT pg_read_all_data TO ${user};`
  return `GRANT SELECT ON ${what} ${names.slice(0, shown).join(', ')} TO ${user}; with USAGE ON their SCHEMA`
}
