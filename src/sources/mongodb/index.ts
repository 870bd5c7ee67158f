import { isChosen } from '../../core/databases.ts'
import type { Series } from '../../core/model.ts'
import type { Source, SourceContext, SourceDriver, SourceSettings } from '../source.ts'
import { databasesOf, seesAll } from './catalogue.ts'
import { check, serverTime } from './check.ts'
import { dump, inspect } from './dump.ts'
import { endOperations, isBusy } from './operations.ts'
import { mongodbOptions, type Options } from './options.ts'
import type { Place } from './place.ts'
import { plan } from './plan.ts'
import { installed, type Program } from './programs.ts'
import { prove } from './proof.ts'
import { literal, restore } from './restore.ts'
import { scratches } from './scratch.ts'
import { withSession } from './session.ts'
import { sniff } from './sniff.ts'
import { resolveTarget } from './target.ts'
import {
  connectionTo,
  endpointOf,
  isSystem,
  parseConnection,
  secretsOf,
  urlAt,
  type Connection,
} from './url.ts'

/** MongoDB through `mongodump --archive`, one database at a time. */
export const mongodb: SourceDriver = {
  kind: 'mongodb',
  name: 'MongoDB',
  schemes: ['mongodb', 'mongodb+srv'],
  options: mongodbOptions,
  leavingOut: { all: ['exclude_collections'], rows: [] },
  parseUrl(url) {
    const connection = parseConnection(url)
    if ('mistake' in connection) return connection
    const { isSrv, hosts, database } = connection
    // the hosts of a name in DNS are not known before it is asked: no tunnel can lead there
    return { endpoint: endpointOf(connection), database, secrets: secretsOf(url), hosts: isSrv ? [] : hosts }
  },
  at: urlAt,
  sniff,
  open: (settings, context) => openSource(placeOf(settings, context), settings),
}

function placeOf(settings: SourceSettings, context: SourceContext): Place {
  const { url, dumpUrl, restoreUrl, restorerWithheld = false, options } = settings
  return {
    origin: connectionTo(dumpUrl ?? url),
    restorer: connectionTo(restoreUrl ?? url),
    restorerWithheld,
    options: options as Options,
    context,
  }
}

function openSource(place: Place, { strategy, databases }: SourceSettings): Source {
  const { origin, restorer, context } = place
  let program: Program | null = null
  /** Where this run restores to. */
  const targets: Connection[] = []
  return {
    async series(signal) {
      if (databases === null) return [{ strategy, name: origin.database, sole: true }]
      const found = await withSession(origin, { context, signal }, databasesOf)
      return found
        .filter(({ name }) => !isSystem(name) && isChosen(databases, name))
        .map(({ name }): Series => ({ strategy, name, sole: false }))
    },
    seesAll: (signal) => withSession(origin, { context, signal }, seesAll),
    async inspect(_series, signal) {
      const { program: chosen, ...inspection } = await inspect(place, signal)
      program = chosen
      return inspection
    },
    async dump(_series, _inspection, sink, signal) {
      await dump(place, program ?? (await installed('mongodump', context, signal)), sink, signal)
    },
    prove: (_name, raw) => prove(raw),
    plan: (backup, request, signal) => plan(place, { backup, request }, signal),
    restore(backup, request, _plan, artifact, signal) {
      targets.push(resolveTarget(place, backup, request).connection)
      return restore(place, { backup, request, artifact }, signal)
    },
    async works(signal) {
      const busy = distinct([origin, ...targets]).map((one) => isBusy(one, { context, signal }))
      return (await Promise.all(busy)).includes(true)
    },
    scratch: scratches(place),
    async terminate(runId, signal) {
      const ending = distinct([origin, restorer]).map((one) => endOperations(one, { context, signal }, runId))
      return (await Promise.all(ending)).reduce((sum, count) => sum + count, 0)
    },
    check: (signal) => check(place, signal),
    now: (signal) => serverTime(place, signal),
    stockRestore: () => [
      `mongorestore --archive={file} --stopOnError --nsFrom=${shellWord(`${literal(origin.database)}.*`)} --nsTo='restored.*'`,
    ],
    close: async () => {}, // every question has its own connection, closed at once
  }
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function distinct(connections: Connection[]): Connection[] {
  return [...new Map(connections.map((one) => [JSON.stringify(one), one])).values()]
}
