import { Fault } from '../../core/faults.ts'

/** A name as SQL. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

const longestName = 64 // characters; https://mariadb.com/kb/en/identifier-names/

/** @throws Fault target-invalid when no database can be called that */
export function assertName(name: string): void {
  const isTaken = systemDatabases.includes(name.toLowerCase())
  if (
    name !== '' &&
    lengthOf(name) <= longestName &&
    !/[\0/\\.\u{10000}-\u{10FFFF}]|\s$/u.test(name) &&
    !isTaken
  )
    return
  const why = isTaken ? `"${name}" belongs to the server` : `a database cannot be called "${name}"`
  throw new Fault('target-invalid', why, { hint: 'choose a name of up to 64 characters without / \\ and .' })
}

/** A table that is there as long as a restored database is not whole: databases have no comment of their own everywhere. */
export const markName = 'easy_backup_restore'

/** Of the server itself: never backed up, never restored into. */
export const systemDatabases = ['information_schema', 'performance_schema', 'mysql', 'sys']

/** `<name>_restore_<stamp>` with the name cut so that all of it fits. */
export function nameBeside(
  name: string,
  role: 'restore' | 'before' | 'drill' | 'new',
  stamp: string,
): string {
  const suffix = `_${role}_${stamp}`
  return (
    Array.from(name)
      .slice(0, longestName - suffix.length)
      .join('') + suffix
  )
}

function lengthOf(name: string): number {
  return Array.from(name).length
}

/** `*` and `?` are wildcards. */
export function matches(pattern: string, name: string): boolean {
  const expression = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]')
  return new RegExp(`^${expression}$`, 'u').test(name)
}
