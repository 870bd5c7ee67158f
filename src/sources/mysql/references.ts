import type { Session } from './session.ts'

interface Reference {
  home: string
  child: string
  parent: string
}

/** A foreign key follows the table it refers to when that is moved. So a table that stays would refer to the old one, and a table that
 * comes would refer to its neighbour in the database where it was restored first. Those of databases that the user may not see are not
 * found here.
 * @param moves  tables of the session's database that are replaced, or will be moved out of it
 * @returns what would break, in words, or null */
export async function brokenReference(
  { rows }: Session,
  database: string,
  moves: readonly string[],
): Promise<string | null> {
  const references = await rows<Reference>(
    `SELECT CONSTRAINT_SCHEMA AS home, TABLE_NAME AS child, REFERENCED_TABLE_NAME AS parent
     FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE UNIQUE_CONSTRAINT_SCHEMA = ? ORDER BY 1, 2, 3`,
    [database],
  )
  const moving = new Set(moves)
  const goes = ({ home, child }: Reference): boolean => home === database && moving.has(child)
  const left = references.find((one) => moving.has(one.parent) && !goes(one))
  if (left) {
    const child = left.home === database ? left.child : `${left.home}.${left.child}`
    return `table "${child}" refers to "${left.parent}", which would be replaced, and is not replaced with it`
  }
  const alone = references.find((one) => goes(one) && !moving.has(one.parent))
  return alone ? `table "${alone.child}" refers to "${alone.parent}", which is not restored with it` : null
}

export const wayOut = 'restore both tables, drop the foreign key, or restore beside'
