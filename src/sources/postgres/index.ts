import type { SourceContext, Source, SourceDriver, SourceSettings } from '../source.ts'
import { check, serverTime } from './check.ts'
import { cloning } from './clone.ts'
import { dump, inspect } from './dump.ts'
import { dumpGlobals, globalsFile, inspectGlobals, proveGlobals, type GlobalsInspection } from './globals.ts'
import { eachHost, forWriting } from './hosts.ts'
import { marksOf } from './identity.ts'
import { proveDirectory } from './directory/proof.ts'
import { jobsOf, leavingOut, postgresOptions } from './options.ts'
import type { Place } from './place.ts'
import { plan } from './plan.ts'
import { forServer, installed, majorOf, usualFolders, type Program } from './programs.ts'
import { prove, proveScript } from './proof.ts'
import { restore } from './restore.ts'
import { sniff } from './sniff.ts'
import { swapping } from './swap.ts'
import { scratches } from './scratch.ts'
import { sessionName } from './session.ts'
import { resolveTarget, withServer } from './target.ts'
import { listSeries } from './whole-server.ts'
import {
  connectionTo,
  endpointOf,
  hostsOf,
  parseConnection,
  secretsOf,
  urlAt,
  type Connection,
} from './url.ts'

/** PostgreSQL through `pg_dump`, in the custom format or several tables at a time; the client must be of the server's own major version, or newer. */
export const postgres: SourceDriver = createPostgres(usualFolders)

/** @param folders patterns of the folders that hold client programs */
export function createPostgres(folders: readonly string[]): SourceDriver {
  return {
    kind: 'postgres',
    name: 'PostgreSQL',
    schemes: ['postgres', 'postgresql'],
    options: postgresOptions,
    leavingOut,
    parseUrl(url) {
      const connection = parseConnection(url)
      if ('mistake' in connection) return connection
      const hosts = hostsOf(connection).filter(({ host }) => !host.startsWith('/'))
      const { database } = connection
      return { endpoint: endpointOf(connection), database, secrets: secretsOf(url), hosts }
    },
    at: urlAt,
    sniff,
    open: (settings, context) => openSource(placeOf(settings, { folders, context }), settings),
  }
}

function placeOf(
  { url, dumpUrl, restoreUrl, restorerWithheld = false, options }: SourceSettings,
  outside: { folders: readonly string[]; context: SourceContext },
): Place {
  const origin = connectionTo(dumpUrl ?? url)
  const restorer = forWriting(connectionTo(restoreUrl ?? url))
  const live = { ...restorer, database: connectionTo(url).database }
  return { ...outside, origin, restorer, restorerWithheld, live, options }
}

function openSource(place: Place, { strategy, databases }: SourceSettings): Source {
  const { origin, restorer, context, folders } = place
  let client: Program | null = null
  let globals: GlobalsInspection | null = null
  /** Where this run restores to: another server, maybe. */
  const targets: Connection[] = []
  const worksAt = async (connection: Connection, signal: AbortSignal): Promise<boolean> => {
    const [row] = await withServer(connection, { context, signal }, ({ rows }) =>
      rows<{ busy: number }>(busySessions, [sessionName(context.runId)]),
    )
    return row!.busy > 0
  }

  return {
    series: (signal) =>
      databases === null
        ? Promise.resolve([{ strategy, name: origin.database, sole: true }])
        : listSeries(place, { strategy, choice: databases }, signal),
    async inspect(series, signal) {
      if (series.globals) return (globals = await inspectGlobals(place, signal))
      const { client: chosen, ...inspection } = await inspect(place, signal)
      client = chosen
      return inspection
    },
    async dump(series, { engine }, sink, signal) {
      if (series.globals) return dumpGlobals(place, globals ?? (await inspectGlobals(place, signal)), sink)
      const programs = client ? [client] : await installed('pg_dump', folders, context, signal)
      await dump(place, { client: forServer(programs, majorOf(engine.toolVersion)!), sink }, signal)
    },
    prove(name, raw, signal, format = formatOf(name)) {
      if (format === 'sql') return proveScript(place, raw)
      if (format === 'globals') return proveGlobals(place, raw)
      const dump = { raw, dumpMajor: client?.major ?? null }
      return format === 'directory' ? proveDirectory(place, dump, signal) : prove(place, dump, signal)
    },
    plan: (backup, request, signal, front = null) => plan(place, { backup, request, front }, signal),
    restore(backup, request, _plan, artifact, signal) {
      targets.push(resolveTarget(place, backup, request).connection)
      return restore(place, { backup, request, artifact }, signal)
    },
    async works(signal) {
      const works = await Promise.all(
        distinct([restorer, ...targets]).map((connection) => worksAt(connection, signal)),
      )
      return works.includes(true)
    },
    marks: (of, signal) => marksOf(place, of, signal),
    clone: cloning(place),
    swap: swapping(place),
    scratch: scratches(place, worksAt),
    async terminate(runId, signal) {
      const asked = await Promise.allSettled(
        distinct([origin, restorer].flatMap(eachHost)).map((connection) =>
          withServer(connection, { context, signal }, async ({ rows }) =>
            rows(endSessions, [sessionName(runId)]),
          ),
        ),
      )
      const failed = asked.find((answer) => answer.status === 'rejected')
      if (failed) throw failed.reason // once every other one was asked
      return asked.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])).length
    },
    check: (signal) => check(place, signal),
    now: (signal) => serverTime(place, signal),
    stockRestore: ({ artifacts }) => stockCommands(artifacts[0]!, jobsOf(place.options)),
    close: async () => {}, // every question has its own connection, closed at once
  }
}

/** Of an artifact that was dumped here. */
function formatOf(name: string): string {
  if (name === globalsFile) return 'globals'
  return name.endsWith('.tar') ? 'directory' : 'custom'
}

function stockCommands(name: string, jobs: number): string[] {
  const format = formatOf(name)
  if (format === 'globals') return ['psql --no-psqlrc --dbname=postgres --file={file}'] // a role that is there already is an error that says so, and stays
  const create = 'createdb --template=template0 restored'
  const restore = 'pg_restore --exit-on-error --no-owner --no-acl --dbname=restored'
  if (format === 'custom') return [create, `${restore} {file}`]
  return ['tar -xf {file}', create, `${restore} --jobs=${jobs} '${name.replace(/\.tar$/, '.dir')}'`]
}

/** Working, or waiting for a disk; not for a client, and not for somebody else's lock. */
const busySessions = `SELECT count(*)::int AS busy FROM pg_stat_activity
  WHERE application_name = $1 AND pid <> pg_backend_pid() AND state = 'active'
    AND wait_event_type IS DISTINCT FROM 'Lock' AND wait_event_type IS DISTINCT FROM 'Client'`

const endSessions = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name = $1 AND pid <> pg_backend_pid()`

function distinct<T>(items: T[]): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()]
}
