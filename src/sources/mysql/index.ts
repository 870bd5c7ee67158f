import type { Source, SourceContext, SourceDriver, SourceSettings } from '../source.ts'
import { check, serverTime } from './check.ts'
import { dump, inspect } from './dump.ts'
import { marksOf } from './identity.ts'
import { lockOfRun } from './load.ts'
import { leavingOut, mysqlOptions } from './options.ts'
import type { Place } from './place.ts'
import { plan } from './plan.ts'
import { prove } from './proof.ts'
import { endLoader, restore } from './restore.ts'
import { scratches } from './scratch.ts'
import { listSeries, seesAll } from './series.ts'
import { withServer } from './session.ts'
import { sniff } from './sniff.ts'
import { resolveTarget } from './target.ts'
import { connectionTo, endpointOf, parseConnection, secretsOf, urlAt, type Connection } from './url.ts'

/** MySQL and MariaDB through the dump program and client of the server's own flavour. */
export const mysql: SourceDriver = {
  kind: 'mysql',
  name: 'MySQL or MariaDB',
  schemes: ['mysql', 'mariadb'],
  options: mysqlOptions,
  leavingOut,
  parseUrl(url) {
    const connection = parseConnection(url)
    if ('mistake' in connection) return connection
    const { host, port, socket, database } = connection
    const hosts = socket === null ? [{ host, port }] : []
    return { endpoint: endpointOf(connection), database, secrets: secretsOf(url), hosts }
  },
  at: urlAt,
  sniff,
  open: (settings, context) => openSource(placeOf(settings, context), settings),
}

function placeOf(
  { strategy, url, dumpUrl, restoreUrl, options }: SourceSettings,
  context: SourceContext,
): Place {
  const origin = connectionTo(dumpUrl ?? url)
  const restorer = connectionTo(restoreUrl ?? url)
  const live = { ...restorer, database: connectionTo(url).database }
  return { strategy, origin, restorer, live, options, context }
}

function openSource(place: Place, settings: SourceSettings): Source {
  const { origin, restorer, context } = place
  /** Where this run restores to: another server, maybe. */
  const targets: Connection[] = []
  const worksAt = (connection: Connection, signal: AbortSignal): Promise<boolean> =>
    withServer(connection, { context, signal }, async ({ rows }) => {
      const [row] = await rows<{ busy: number }>(loaderWorks, [lockOfRun(context.runId)])
      return Number(row!.busy) > 0
    })
  return {
    series: (signal) => listSeries(place, settings, signal),
    seesAll: (signal) => seesAll(place, signal),
    inspect: (_series, signal) => inspect(place, signal),
    dump: (_series, _inspection, sink, signal) => dump(place, sink, signal),
    prove: (_name, raw, _signal, format = 'mysqldump') => prove(raw, format),
    plan: (backup, request, signal, front = null) => plan(place, { backup, request, front }, signal),
    restore(backup, request, _plan, artifact, signal) {
      targets.push(resolveTarget(place, backup, request).connection)
      return restore(place, { backup, request, artifact }, signal)
    },
    async works(signal) {
      const works = await Promise.all(distinct(targets).map((connection) => worksAt(connection, signal)))
      return works.includes(true)
    },
    marks: (of, signal) => marksOf(place, of, signal),
    scratch: scratches(place, worksAt),
    async terminate(runId, signal) {
      const ended = await Promise.all(
        distinct([origin, restorer]).map((connection) =>
          withServer(connection, { context, signal }, (server) => endLoader(server, runId)),
        ),
      )
      return ended.reduce((sum, one) => sum + one, 0)
    },
    check: (signal) => check(place, signal),
    now: (signal) => serverTime(place, signal),
    stockRestore: () => [
      'mysql --execute="CREATE DATABASE restored"',
      'mysql --binary-mode --comments --database=restored < {file}',
    ],
    close: async () => {}, // every question has its own connection, closed at once
  }
}

/** The client that loads holds a lock of the run's name. It works unless it waits for more, or for somebody else's lock. */
const loaderWorks = `SELECT COUNT(*) AS busy FROM information_schema.PROCESSLIST
  WHERE ID = IS_USED_LOCK(?) AND COMMAND = 'Query' AND STATE NOT LIKE 'Waiting for %lock%'`

function distinct<T>(items: T[]): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()]
}
