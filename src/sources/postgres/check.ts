import { checkLine } from '../check-line.ts'
import type { CheckLine, SourceContext } from '../source.ts'
import { unpacker } from './directory/folder.ts'
import { jobsOf } from './options.ts'
import type { Place } from './place.ts'
import { noRight } from './plan.ts'
import { forServer, installed } from './programs.ts'
import { readable } from './rights.ts'
import { withSession } from './session.ts'
import { readTarget } from './target.ts'
import { endpointOf } from './url.ts'

/** For doctor. Each line is tried by itself, so that one run shows everything. */
export async function check(place: Place, signal: AbortSignal): Promise<CheckLine[]> {
  const { origin, context, folders, options } = place
  const needs = { context, signal }
  let serverMajor = 0
  const reach = await checkLine('database', signal, async () => {
    const session = await withSession(origin, needs, async ({ serverMajor: major, serverVersion }) => {
      serverMajor = major
      return serverVersion
    })
    return `PostgreSQL ${session} at ${endpointOf(origin)}`
  })
  if (!reach.ok) return [reach]
  return [
    reach,
    await checkLine('dump program', signal, async () => {
      const program = forServer(await installed('pg_dump', folders, context, signal), serverMajor)
      return `pg_dump ${program.version} (${program.path})`
    }),
    ...(jobsOf(options) > 1
      ? [await checkLine('unpack program', signal, () => unpacker(place, signal))]
      : []),
    await checkLine('right to read', signal, () =>
      withSession(origin, needs, (session) => readable(session, place)),
    ),
    await checkLine('right to create', signal, () => mayRestore(place, needs)),
  ]
}

async function mayRestore(
  { restorer, restorerWithheld }: Place,
  needs: { context: SourceContext; signal: AbortSignal },
): Promise<string> {
  if (restorerWithheld) return 'restore.database_url is used by restores alone, and was not tried'
  const { mayCreate } = await readTarget(restorer, needs)
  if (!mayCreate) throw new Error(noRight(restorer))
  return `user "${restorer.user}" may create databases for restores`
}

/** The server's clock, epoch ms. */
export function serverTime({ origin, context }: Place, signal: AbortSignal): Promise<number> {
  return withSession(origin, { context, signal }, async (session) => {
    const [row] = await session.rows<{ now: string }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text AS now',
    )
    return Number(row!.now)
  })
}
