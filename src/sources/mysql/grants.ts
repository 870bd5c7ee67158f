import { quoted } from './names.ts'
import type { Session } from './session.ts'

/** What a user may do, as the server lists it; with the rights of active roles where it lists those. */
export interface Rights {
  /** On the whole server. */
  everywhere(right: string): boolean
  /** On everything in one database. */
  on(right: string, database: string): boolean
}

interface Grant {
  rights: Set<string>
  /** null: the whole server; else a pattern as of LIKE. */
  scope: string | null
}

export async function readRights(session: Session): Promise<Rights> {
  const rows = await session.rows<Record<string, string>>('SHOW GRANTS')
  const grants = rows.flatMap((row) => parse(Object.values(row)[0] ?? ''))
  const has = ({ rights }: Grant, right: string): boolean => rights.has('ALL PRIVILEGES') || rights.has(right)
  const everywhere = (right: string): boolean =>
    grants.some((grant) => grant.scope === null && has(grant, right))
  return {
    everywhere,
    on: (right, database) =>
      everywhere(right) ||
      grants.some((grant) => grant.scope !== null && has(grant, right) && fits(grant.scope, database)),
  }
}

/** `GRANT SELECT, SHOW VIEW ON *.* TO …` or ``… ON `shop\_%`.* TO …``; rights on single tables are left out. */
function parse(text: string): Grant[] {
  const found = /^GRANT (.+?) ON (?:(\*)|`((?:[^`]|``)*)`)\.\* TO /.exec(text)
  if (!found) return []
  const rights = new Set(found[1]!.toUpperCase().split(/,\s*/))
  return [{ rights, scope: found[2] ? null : found[3]!.replaceAll('``', '`') }]
}

function fits(pattern: string, name: string): boolean {
  const source = pattern.replace(
    /\\([_%])|([_%])|([^\w\s])/g,
    (_, escaped, wild, other) => escaped ?? (wild ? (wild === '%' ? '[^]*' : '[^]') : `\\${other}`),
  )
  return new RegExp(`^${source}$`, 'iu').test(name)
}

export function noRight(user: string, database: string): string {
  return `user "${user}" may not create database "${database}": GRANT ALL ON ${quoted(database.replace(/\d{8}_\d{6}$/, '%'))}.* TO '${user}'@'…'; or give restore.database_url of a user who may`
}
