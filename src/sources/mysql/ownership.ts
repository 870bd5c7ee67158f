import type { Scan } from './scanner.ts'
import { withServer, type SessionNeeds } from './session.ts'
import type { TargetState } from './target.ts'
import type { Connection } from './url.ts'

/** Accounts of the dump that are not on the target's server, or that the restorer may not name. Without them views, triggers and
 * routines could not run. */
export async function definersNotThere(
  connection: Connection,
  { definers, state }: { definers: ReadonlySet<string>; state: TargetState },
  needs: SessionNeeds,
): Promise<string[]> {
  const others = [...definers].map(plain).filter((definer) => definer !== state.account)
  if (others.length === 0) return []
  if (!state.mayNameOthers) return others
  const known = await withServer(
    connection,
    needs,
    (server) =>
      server
        .rows<{ account: string }>(`SELECT CONCAT(User, '@', Host) AS account FROM mysql.user`)
        .catch(() => null), // not everybody may look; who may name others can restore them all the same
  )
  const names = known && new Set(known.map(({ account }) => account))
  return names === null ? [] : others.filter((definer) => !names.has(definer))
}

/** @returns what the target would refuse in the middle of the restore, or null */
export function refusedCode({ objects }: Scan, { mayMakeCode }: TargetState): string | null {
  const kind = ['FUNCTION', 'TRIGGER'].find((one) => objects[one] !== undefined)
  if (mayMakeCode || kind === undefined) return null
  return `the target’s server keeps a binary log, and then lets only users with SUPER make a ${kind}`
}

/** `app`@`%` as app@%, whatever the quotes. */
function plain(definer: string): string {
  return definer.replaceAll(/([`'"])((?:(?!\1).|\1\1)*)\1/gs, (_, mark: string, inner: string) =>
    inner.replaceAll(mark + mark, mark),
  )
}
