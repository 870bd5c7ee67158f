import { fittingName } from '../fitting-name.ts'

/** A name as SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A table as people and manifests write it: quoted only where a name would be ambiguous without.
 * One fixed rule, because PostgreSQL's own depends on each version's list of keywords. */
export function tableName(schema: string, table: string): string {
  return [schema, table]
    .map((name) => (/^[\p{L}_][\p{L}\p{N}_$]*$/u.test(name) ? name : quoted(name)))
    .join('.')
}

/** Reads `schema.table` or `"Sche.ma"."ta""ble"` from the start of SQL text. */
export function parseQualified(sql: string): { schema: string; table: string } | null {
  const match = /^("(?:[^"]|"")*"|[^\s".(]+)\.("(?:[^"]|"")*"|[^\s".(]+)/.exec(sql)
  return match ? { schema: unquoted(match[1]!), table: unquoted(match[2]!) } : null
}

export function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name
}

const longestName = 63 // bytes; PostgreSQL cuts longer ones silently (NAMEDATALEN - 1)

export function isTooLong(name: string): boolean {
  return Buffer.byteLength(name) > longestName
}

export function restoreName(name: string, stamp: string): string {
  return nameBeside(name, 'restore', stamp)
}

/** `<name>_restore_<stamp>` with the name cut so that all of it fits. */
export function nameBeside(name: string, role: 'restore' | 'before' | 'drill', stamp: string): string {
  return fittingName(name, `_${role}_${stamp}`, longestName)
}
