import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { Config, SourceConfig, Strategy } from '../core/config.ts'
import { Fault } from '../core/faults.ts'
import type { Log } from '../core/log.ts'
import type { Scrub } from '../core/secret.ts'
import type { Host, TunnelConfig } from '../core/tunnel.ts'
import type { Filter } from '../filters/filter.ts'
import type { Notifier } from '../notifiers/notifier.ts'
import type { Source, SourceDriver } from '../sources/source.ts'
import type { Database } from '../state/database.ts'
import type { Storage } from '../storages/storage.ts'
import type { Processes } from '../sys/process.ts'
import type { Identity } from '../sys/strays.ts'
import type { Tunnel } from '../tunnels/tunnel.ts'
import type { Bus } from './bus.ts'
import type { RunLogs } from './run-logs.ts'
import { openWay } from './tunnelled.ts'

/** Everything the stations of the walk are built from; app.ts puts it together once. */
export interface EngineContext {
  /** What holds now: a reload replaces it, and `storages` with it. A run works on a copy of the context as it was at its start. */
  config: Config
  /** Reads the configuration anew from where it was read. @throws Fault config-invalid */
  readConfig: () => Config
  /** Opens what a configuration needs, which may throw. @returns what makes it hold, which cannot */
  prepareConfig: (config: Config) => () => void
  clock: Clock
  log: Log
  scrub: Scrub
  database: Database
  processes: Processes
  sourceDrivers: readonly SourceDriver[]
  filters: readonly Filter[]
  storages: ReadonlyMap<string, Storage>
  /** Opens a place that the configuration does not name; without credentials among its options the machine's own are used. */
  openStorage: (kind: string, name: string, options: Record<string, unknown>) => Storage
  /** @param broken  is told that an open tunnel broke, and every stream through it */
  openTunnel: (config: TunnelConfig, broken: (fault: Fault) => void) => Tunnel
  /** A strategy with every default for a database that the configuration does not name, such as a typed restore target. */
  standIn: (name: string, url: string) => Strategy
  /** Who is told; loaded when something is to be told, because a command that only reads needs none of it. */
  notifiers: () => Promise<readonly Notifier[]>
  bus: Bus
  logs: RunLogs
  /** This process, as leases and claims name it. */
  self: Identity
  host: string
  version: string
  /** Who writes backups here: random, made with the state, taken over from a storage's marker by `catalog sync` on empty state. */
  installation: string
}

/** @throws Fault not-found with the nearest names */
export function strategyOf(context: EngineContext, name: string): Strategy {
  const found = context.config.strategies.find((strategy) => strategy.name === name)
  if (found) return found
  const names = context.config.strategies.map((strategy) => strategy.name)
  const known = names.slice(0, 10).join(', ') + (names.length > 10 ? ` and ${names.length - 10} more` : '')
  throw new Fault('not-found', `there is no strategy named ${name.slice(0, 63)}`, {
    hint: `known strategies: ${known}`,
  })
}

export function storageOf(context: EngineContext, name: string): Storage {
  const found = context.storages.get(name)
  if (!found) throw new Fault('storage-missing', `there is no storage named ${name} in the configuration`)
  return found
}

export function driverOf(context: EngineContext, kind: string): SourceDriver {
  const found = context.sourceDrivers.find((driver) => driver.kind === kind)
  if (!found) throw new Fault('internal', `no driver for ${kind}`)
  return found
}

/** The private folder of a run: spools, credential files, scratch copies. Removed with the run. */
export function runFolder(context: EngineContext, runId: string): string {
  return join(context.config.tempDir, runId)
}

export interface Opening {
  /** The run, or a name of its own for what is none. */
  id: string
  folder: string
  /** Of a whole server, the database that it is about; absent: that of the URL. */
  database?: string
  /** For a restore (its plan, which only reads; what was confirmed; tidying up after it): with the stronger credentials. Nothing else
   * has them. */
  restoring?: true
}

/** Costs next to nothing: what it needs connects when it is used. Whoever opened it closes it. */
export async function openSource(
  context: EngineContext,
  strategy: Strategy,
  { id, folder, database, restoring }: Opening,
): Promise<Source> {
  const { kind, url, dumpUrl, restoreUrl, options, databases, tunnel } = strategy.source
  const driver = driverOf(context, kind)
  const way = tunnel && (await openWay(context, tunnel, hostsOf(driver, strategy.source)))
  const at = (one: string): string => (database === undefined ? one : driver.at!(one, database))
  const atOrNull = (one: string | null): string | null => (one === null ? null : at(one))
  const source = driver.open(
    {
      strategy: strategy.name,
      url: at(url),
      dumpUrl: atOrNull(dumpUrl),
      restoreUrl: restoring ? atOrNull(restoreUrl) : null,
      restorerWithheld: !restoring && restoreUrl !== null,
      options,
      databases,
    },
    {
      processes: context.processes,
      clock: context.clock,
      log: context.log.with({ run: id }),
      folder,
      reach: way ? way.reach : (host) => host,
      runId: id,
      said: (tool, line) => context.logs.append(id, `${tool}: ${line}`),
    },
  )
  return way ? way.around(source) : source
}

/** The servers that a strategy names. A host that one asks for, such as a typed restore target, is reached as it is. */
function hostsOf(driver: SourceDriver, { url, dumpUrl, restoreUrl }: SourceConfig): Host[] {
  return [url, dumpUrl, restoreUrl].flatMap((one) => {
    const facts = one === null ? null : driver.parseUrl(one)
    return facts && 'hosts' in facts ? [...facts.hosts] : []
  })
}
