import type { Session } from './session.ts'
import type { DumpedSchema } from './schema.ts'

export interface Ownership {
  /** false: restore with `--no-owner --no-acl`. */
  keep: boolean
  /** Roles that the server lacks. */
  missing: string[]
  warnings: string[]
}

/** pg_restore would stop at the first role that the server lacks, or that the restoring user may not give things to. */
export async function chooseOwnership(
  session: Session,
  { owners, grantees }: DumpedSchema,
  noOwner: boolean,
): Promise<Ownership> {
  if (noOwner) return { keep: false, missing: [], warnings: [] }
  const known = await session.rows<{ name: string; mine: boolean }>(
    `SELECT rolname AS name, pg_has_role(current_user, oid, 'MEMBER') AS mine FROM pg_roles`,
  )
  const mine = new Map(known.map((role) => [role.name, role.mine]))
  const missing = [...owners.union(grantees)].filter((name) => !mine.has(name))
  if (missing.length > 0) return without(`roles are missing on the server (${listed(missing)})`, missing)
  const foreign = [...owners].filter((name) => !mine.get(name))
  if (foreign.length > 0) return without(`the restoring user is no member of ${listed(foreign)}`)
  return { keep: true, missing: [], warnings: [] }
}

function without(why: string, missing: string[] = []): Ownership {
  return { keep: false, missing, warnings: [`restored without owners and grants: ${why}`] }
}

const listedAtMost = 5

function listed(names: string[]): string {
  const more = names.length - listedAtMost
  const shown = names.toSorted().slice(0, listedAtMost).join(', ')
  return more > 0 ? `${shown} and ${more} more` : shown
}
