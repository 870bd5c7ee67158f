import type { Writable } from 'node:stream'
import type { Check } from '../core/checks.ts'
import type {
  Actor,
  BackupView,
  Health,
  Level,
  Manifest,
  RequestView,
  RunState,
  RunView,
  StrategyView,
  Trigger,
} from '../core/model.ts'

/** The one door to the engine for commands, and so for every face. Reads are cheap and answer from state. */
export interface Engine {
  strategyNames(): string[]
  strategies(): Promise<StrategyView[]>

  /** Accepts a backup. @throws Fault not-found · busy (already queued or running; the hint names that run) */
  startBackup(strategy: string, by: { trigger: Trigger; actor: Actor }): Promise<RunView>
  /** Accepts a verification up to `level` (V1 or V2). @throws Fault not-found · busy */
  startVerify(backupId: string, level: Level, actor: Actor): Promise<RunView>

  run(id: string): Promise<RunView>
  runs(filter: { strategy?: string; state?: RunState; limit: number }): Promise<RunView[]>
  /** Yields the run's view now and after each change, until it has ended. */
  watch(id: string, signal: AbortSignal): AsyncIterable<RunView>
  /** Asks a queued or running run to stop; idempotent. @param id a run's id or its strategy's name. @throws Fault not-found */
  cancel(id: string, actor: Actor): Promise<RunView>
  /** What the run's tools said, scrubbed, at most 1 MiB. */
  runLog(id: string): Promise<string>

  backups(filter: {
    strategy?: string
    tag?: string
    database?: string
    limit: number
  }): Promise<BackupView[]>
  /** @param id a full backup id, its unique last four characters, or `latest` with a strategy
   *  @throws Fault not-found; the hint lists the nearest */
  backup(
    id: string,
    strategy: string | null,
  ): Promise<{ view: BackupView; manifest: Manifest; copies: { storage: string; location: string }[] }>
  /** Writes a backup's artifact to `sink`, after all of it was verified; decompressed when asked.
   * @throws Fault not-found · object-corrupt · object-missing */
  get(backupId: string, options: { decompress: boolean; signal: AbortSignal }, sink: Writable): Promise<void>

  /** Plans a restore and files the request; nothing happens before `confirm`. */
  requestRestore(ask: RestoreAsk, actor: Actor): Promise<RequestView>
  /** The same without filing anything (`--dry-run`). */
  planRestore(ask: RestoreAsk, actor: Actor): Promise<RequestView>
  request(id: string): Promise<RequestView>
  /** Single-use, bound to the version that was shown; starts the restore. Only the requester may.
   * @throws Fault stale · expired · denied · target-invalid */
  confirm(id: string, version: number, actor: Actor): Promise<AnyRequestView>
  dismiss(id: string, version: number, actor: Actor): Promise<AnyRequestView>

  /** Nothing starts by itself until resumed, or until this instant (epoch ms). @throws Fault not-found */
  pause(strategies: string[], until: number | null, actor: Actor): Promise<void>
  /** @returns those that were paused */
  resume(strategies: string[], actor: Actor): Promise<string[]>

  /** Makes the service load its configuration again, all or nothing. In a command beside a service that one does it.
   * @throws Fault config-invalid with every mistake · not-found (no service) · timed-out */
  reload(actor: Actor): Promise<ConfigChanges>

  /** Tries everything a backup and a restore need, without making one; here, in the process that is asked.
   * @param strategy  null = all. @throws Fault not-found */
  doctor(strategy: string | null): Promise<{ title: string; checks: Check[] }[]>

  /** The next planned slots, soonest first. */
  schedule(limit: number): Promise<{ strategy: string; at: number; schedule: string; timezone: string }[]>
  /** Rebuilds the catalogue from what the storages hold. */
  syncCatalogue(): Promise<
    {
      storage: string
      found: number
      added: number
      removed: number
      foreign: number
      broken: { key: string; why: string }[]
    }[]
  >
  /** Nothing starts by itself until resumed, or until this instant (epoch ms). @throws Fault not-found */
  pause(strategies: string[], until: number | null, actor: Actor): Promise<void>
  /** @returns those that were paused */
  resume(strategies: string[], actor: Actor): Promise<string[]>

  /** Makes the service load its configuration again, all or nothing. In a command beside a service that one does it.
   * @throws Fault config-invalid with every mistake · not-found (no service) · timed-out */
  reload(actor: Actor): Promise<ConfigChanges>

  health(): Promise<Health>
}

export interface RestoreAsk {
  /** A backup id, its last four characters, or `latest`. */
  backup: string
  strategy: string | null
  targetDb: string | null
  targetUrl: string | null
  noOwner: boolean
  reason: string | null
}
/** What a reload did, in words for who asked. */
export interface ConfigChanges {
  changed: string[]
  /** Backups go earlier or to fewer places than before, or are made no more: said to everybody. */
  weakened: string[]
  /** Settings of the file that hold only after a restart. */
  needsRestart: string[]
}

