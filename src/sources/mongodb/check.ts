import { checkLine } from '../check-line.ts'
import type { CheckLine } from '../source.ts'
import { assertExists } from './dump.ts'
import type { Place } from './place.ts'
import { installed } from './programs.ts'
import { withSession, type Session } from './session.ts'
import { endpointOf, type Connection } from './url.ts'

/** For doctor. Each line is tried by itself, so that one run shows everything. */
export async function check(place: Place, signal: AbortSignal): Promise<CheckLine[]> {
  const { origin, restorer, restorerWithheld, context } = place
  const needs = { context, signal }
  const reach = await checkLine('database', signal, () =>
    withSession(origin, needs, async (session) => {
      await assertExists(session, origin)
      return `MongoDB ${session.serverVersion} at ${endpointOf(origin)}`
    }),
  )
  if (!reach.ok) return [reach]
  return [
    reach,
    await checkLine('dump program', signal, async () => {
      const { path, version } = await installed('mongodump', context, signal)
      return `mongodump ${version} (${path})`
    }),
    await checkLine('restore program', signal, async () => {
      const { path, version } = await installed('mongorestore', context, signal)
      return `mongorestore ${version} (${path})`
    }),
    await checkLine('right to read', signal, () =>
      withSession(origin, needs, (session) => mayRead(session, origin)),
    ),
    await checkLine('right to create', signal, async () =>
      restorerWithheld
        ? 'restore.database_url is used by restores alone, and was not tried'
        : withSession(restorer, needs, (session) => mayCreate(session, restorer)),
    ),
  ]
}

/** The server's clock, epoch ms. */
export function serverTime({ origin, context }: Place, signal: AbortSignal): Promise<number> {
  return withSession(
    origin,
    { context, signal },
    async ({ hello }) => hello.localTime?.getTime() ?? Number.NaN,
  )
}

interface Privilege {
  resource: { db?: string; collection?: string; cluster?: boolean; anyResource?: boolean }
  actions: string[]
}

/** null: nobody signs in, and everything is allowed. */
async function privilegesOf({ admin }: Session): Promise<Privilege[] | null> {
  const { authInfo } = (await admin.command({ connectionStatus: 1, showPrivileges: true })) as {
    authInfo: { authenticatedUsers: unknown[]; authenticatedUserPrivileges?: Privilege[] }
  }
  return authInfo.authenticatedUsers.length === 0 ? null : (authInfo.authenticatedUserPrivileges ?? [])
}

/** @param database '' = of any */
function may(privileges: Privilege[] | null, action: string, database: string): boolean {
  if (privileges === null) return true
  return privileges.some(
    ({ resource: { db, collection, anyResource }, actions }) =>
      actions.includes(action) &&
      (anyResource === true || (collection === '' && (db === '' || db === database))),
  )
}

async function mayRead(session: Session, { user, database }: Connection): Promise<string> {
  const privileges = await privilegesOf(session)
  const missing = ['find', 'listCollections', 'listIndexes'].filter(
    (action) => !may(privileges, action, database),
  )
  if (missing.length === 0) return 'every collection can be read'
  throw new Error(
    `user "${user}" may not ${missing.join(', ')} in "${database}": db.grantRolesToUser("${user}", [{role: "read", db: "${database}"}])`,
  )
}

async function mayCreate(session: Session, { user }: Connection): Promise<string> {
  const privileges = await privilegesOf(session)
  const needed = ['createCollection', 'createIndex', 'insert', 'dropDatabase', 'find']
  const missing = needed.filter((action) => !may(privileges, action, ''))
  if (missing.length === 0) return 'databases can be created for restores'
  throw new Error(
    `user "${user}" may not ${missing.join(', ')} in new databases: db.grantRolesToUser("${user}", ["readWriteAnyDatabase", "dbAdminAnyDatabase"]), or give restore.database_url of a user who may`,
  )
}
