import { asFault } from '../../core/faults.ts'
import type { Artifact, Manifest, TableRows } from '../../core/model.ts'
import { holds, onlyArtifact, withLeftover } from '../restoring.ts'
import type { RawInput, Restored, TargetRequest } from '../source.ts'
import { collectionsOf, countRows, withRows } from './catalogue.ts'
import { toolFault } from './faults.ts'
import { dropMarked, mark, unmark } from './mark.ts'
import type { Place } from './place.ts'
import { assertUsable } from './plan.ts'
import { installed } from './programs.ts'
import { toolConfig, withSession } from './session.ts'
import { resolveTarget, stateOf } from './target.ts'
import { uriOf, type Connection } from './url.ts'

export interface RestoreJob {
  backup: Manifest
  request: TargetRequest
  artifact: (artifact: Artifact) => Promise<RawInput>
}

const countMs = 60 * 60_000 // every document of a large collection

/** Into a database that is not there, which is dropped when it does not come to a good end. */
export async function restore(place: Place, job: RestoreJob, signal: AbortSignal): Promise<Restored> {
  const { context } = place
  const { backup, request } = job
  const { connection } = resolveTarget(place, backup, request)
  const program = await installed('mongorestore', context, signal)
  const raw = await job.artifact(onlyArtifact(backup))
  await withSession(connection, { context, signal }, async (session) => {
    assertUsable(connection, await stateOf(session, connection), request)
    await mark(session.db, { run: context.runId, backup: backup.id })
  })
  try {
    const argv = [program.path, ...(await argumentsOf(place, job, { connection, signal }))]
    await raw.intoProgram({ argv }, null).catch((error: unknown) => {
      throw toolFault(error, connection, 'restore-failed')
    })
    const tables = await finish(place, { connection, backup, request }, signal)
    return { tables, warnings: leftOut(request), open: openCommand(connection) }
  } catch (error) {
    const left = await dropMarked(connection, { context }, backup.id).then(
      () => null,
      (why: unknown) => asFault(why),
    )
    signal.throwIfAborted()
    throw left === null ? error : withLeftover(asFault(error), connection, left)
  }
}

async function argumentsOf(
  { context }: Place,
  { backup, request }: RestoreJob,
  { connection, signal }: { connection: Connection; signal: AbortSignal },
): Promise<string[]> {
  const [from, to] = [literal(backup.database), literal(connection.database)]
  const chosen = request.tables?.length ? request.tables.map(literal) : ['*']
  return [
    `--config=${await toolConfig(connection, { context, signal })}`,
    '--archive',
    '--stopOnError',
    '--bypassDocumentValidation', // what was there when it was dumped is what is restored
    ...chosen.map((name) => `--nsInclude=${from}.${name}`),
    `--nsFrom=${from}.*`,
    `--nsTo=${to}.*`,
  ]
}

/** A name that stands for itself in a pattern of mongorestore; `$` cannot be in the name of a database. */
export function literal(name: string): string {
  return name.replaceAll('\\', '\\\\').replaceAll('*', '\\*')
}

/** Counts, and takes the mark away when nothing is missing: whoever asked compares, too, and fails the restore when they differ. */
async function finish(
  { context }: Place,
  { connection, backup, request }: { connection: Connection; backup: Manifest; request: TargetRequest },
  signal: AbortSignal,
): Promise<TableRows[]> {
  return withSession(connection, { context, signal, deadlineMs: countMs }, async ({ db }) => {
    const tables = await countRows(db, withRows(await collectionsOf(db)))
    if (holds(tables, expected(backup, request))) await unmark(db)
    return tables
  })
}

function expected({ tables }: Manifest, { tables: chosen }: TargetRequest): readonly TableRows[] | null {
  if (tables === null || !chosen?.length) return tables
  return tables.filter(({ name }) => chosen.includes(name))
}

function leftOut({ tables }: TargetRequest): string[] {
  return tables?.length ? ['views are left out, unless they were chosen'] : []
}

/** Without the password: mongosh asks for it. */
function openCommand(connection: Connection): string {
  const { user, database } = connection
  const uri = uriOf({ ...connection, user: null, password: null, parameters: {} }, { database })
  return `mongosh '${uri.replaceAll("'", '%27')}'${user === null ? '' : ` --username '${user.replaceAll("'", `'\\''`)}'`}`
}
