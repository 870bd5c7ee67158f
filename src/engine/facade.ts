import type { Writable } from 'node:stream'
import type { AuditAsk, AuditReport, AuditRow } from '../core/audit.ts'
import type { Check } from '../core/checks.ts'
import type { Dashboard } from '../core/dashboard.ts'
import type { DecryptTest } from '../core/decrypt-test.ts'
import type { DigestView } from '../core/digest.ts'
import type { Report, ReportAsk } from '../core/report.ts'
import type { DownloadLink } from '../core/download.ts'
import type { FaultFacts } from '../core/faults.ts'
import type { IncidentDoor } from '../core/incidents.ts'
import type { NotifierView } from '../core/notifications.ts'
import type {
  Actor,
  BackupView,
  Health,
  Level,
  Manifest,
  AnyRequestView,
  PruneRequestView,
  RequestView,
  RunState,
  RunView,
  StrategyView,
  SwapView,
  Trigger,
  UnpinRequestView,
} from '../core/model.ts'
import type { RunLine } from '../state/find.ts'
import type { DownloadAsk, PinAsk, RetentionView } from './asks.ts'

/** The one door to the engine for commands, and so for every face. Reads are cheap and answer from state. */
export interface Engine extends IncidentDoor {
  strategyNames(): string[]
  strategies(): Promise<StrategyView[]>

  /** Accepts a backup. @param by.pin  a note: the backup is pinned with it when it succeeds. @param by.database  of a whole server only this one. @param by.together  the same for all that one word starts: one message tells them. @throws Fault not-found · busy (already queued or running; the hint names that run) */
  startBackup(
    strategy: string,
    by: { trigger: Trigger; actor: Actor; pin?: string; database?: string; together?: string },
  ): Promise<RunView>
  /** Accepts a verification up to `level` (V1 or V2). @throws Fault not-found · busy */
  startVerify(backupId: string, how: Level | VerifyHow, actor: Actor): Promise<RunView>
  /** The same of every backup of a strategy, in all places: V1 reads each again, V2 decodes it. @throws Fault not-found · busy */
  startVerifyAll(strategy: string, level: Level, actor: Actor): Promise<RunView>

  /** Accepts a restore drill: a backup is restored for real, compared and thrown away. Its run ends `succeeded` for pass,
   * `failed` (drill-failed) for fail, `degraded` (drill-inconclusive) where this machine could not tell; each with `drill`.
   * @param backup  a full id or its last four characters; null: the newest good one. @throws Fault not-found · busy (hint names the run) */
  startDrill(
    strategy: string,
    backup: string | null,
    by: { trigger: Trigger; actor: Actor },
  ): Promise<RunView>

  run(id: string): Promise<RunView>
  /** The backups of one whole server that came of one list of its databases, in the order they were accepted; the one that asked for
   * it is the first, and alone until the list is there. @param without  ids that need not be told again */
  group(id: string, without: readonly string[]): Promise<RunView[]>
  runs(filter: { strategy?: string; state?: RunState; limit: number }): Promise<RunView[]>
  /** Yields the run's view now and after each change, until it has ended. */
  watch(id: string, signal: AbortSignal): AsyncIterable<RunView>
  /** Asks a queued or running run to stop; idempotent. @param id a run's id or its strategy's name. @throws Fault not-found */
  cancel(id: string, actor: Actor): Promise<RunView>
  /** What the run's tools said, scrubbed, at most 1 MiB. */
  runLog(id: string): Promise<string>

  /** Newest first. @throws Fault not-found (strategy, tag) */
  backups(filter: BackupsAsk): Promise<BackupView[]>
  /** Backup runs that ended so, newest first, without what stands beside a run. @throws Fault not-found (strategy, tag) */
  history(filter: HistoryAsk): Promise<RunLine[]>
  /** @param id a full backup id, its unique last four characters, or `latest` with a strategy
   *  @throws Fault not-found; the hint lists the nearest */
  backup(
    id: string,
    strategy: string | null,
  ): Promise<{
    view: BackupView
    manifest: Manifest
    copies: { storage: string; location: string }[]
    /** Why a newer backup was passed over when the latest was asked for; null = none was. */
    note: string | null
  }>
  /** Writes one file of a backup to `sink`, after all of it was verified; decrypted and decompressed when asked. A copy that is broken or away is
   * passed over for the next place's.
   * @param options.file which, by its name; null = the only one
   * @returns what a person should know: which copies were passed over
   * @throws Fault not-found · object-corrupt · object-missing · usage (several files, none named) · key-missing · key-wrong */
  get(
    backupId: string,
    options: {
      decrypt?: boolean
      decompress: boolean
      /** As in RestoreAsk. */
      keyFile?: string | null
      file: string | null
      signal: AbortSignal
    },
    sink: Writable,
  ): Promise<string[]>

  /** A link to one file of a backup for this one person, written into the audit log; never from a folder of this machine.
   * @throws Fault not-found (also when no place of it gives links) · usage · object-missing */
  download(ask: DownloadAsk, actor: Actor): Promise<DownloadLink>

  /** Plans a restore and files the request; nothing happens before `confirm`. */
  requestRestore(ask: RestoreAsk, actor: Actor): Promise<RequestView>
  /** The same without filing anything (`--dry-run`). */
  planRestore(ask: RestoreAsk, actor: Actor): Promise<RequestView>
  request(id: string): Promise<AnyRequestView>
  /** Everything that waits for somebody or is being done, oldest first. */
  requests(): Promise<AnyRequestView[]>

  /** Files what retention would delete now as questions, one for each series and place; nothing is deleted before `confirm`.
   * @param strategy  null = of all. @returns notes: why nothing goes where something is due. @throws Fault not-found */
  requestPrune(
    strategy: string | null,
    actor: Actor,
  ): Promise<{ requests: PruneRequestView[]; notes: string[] }>
  /** What retention says about each backup, for each series and place; looks at the places themselves. @throws Fault not-found */
  retention(strategy: string | null): Promise<RetentionView[]>
  /** Keeps a backup from retention; counts at once, also where its sidecar could not be written yet (`missing`, tried again by itself).
   * @throws Fault not-found · usage */
  pin(ask: PinAsk, actor: Actor): Promise<{ view: BackupView; missing: { storage: string; why: string }[] }>
  /** Of a protected strategy it waits for a second person: then `request` is there, and nothing was changed.
   * @throws Fault not-found · usage when it is not pinned */
  unpin(
    ask: { backup: string; strategy: string | null; reason?: string | null },
    actor: Actor,
  ): Promise<{
    view: BackupView
    missing: { storage: string; why: string }[]
    request?: UnpinRequestView | null
  }>

  /** The requester's own word, single-use and bound to the version that was shown; starts what was asked for, or lets it wait for a second
   * person. What nobody in person asked for is started by whoever may: who that is, is asked at the gate.
   * @throws Fault stale · expired · denied · target-invalid */
  confirm(id: string, version: number, actor: Actor): Promise<AnyRequestView>
  /** The requester withdraws it; a deletion is refused by whoever may decide it. */
  dismiss(id: string, version: number, actor: Actor): Promise<AnyRequestView>
  /** The second person's yes, single-use; who that may be is asked at the gate. On the host it is the way without one.
   * @param by.version  null: as it stands now. @throws Fault stale · expired · denied · target-invalid */
  approve(id: string, by: DecidedBy): Promise<AnyRequestView>
  reject(id: string, by: DecidedBy): Promise<AnyRequestView>
  /** Somebody looked at what was done on the host without a second person. @throws Fault usage · stale */
  review(id: string, actor: Actor): Promise<AnyRequestView>

  /** Puts back what a restore in place replaced; what it replaces in turn is kept for the rest of the time.
   * @param ask.id  the restore's run or request  @param ask.version  as `swap` showed it. @throws Fault not-found · stale · busy */
  undo(ask: { id: string; version: number }, actor: Actor): Promise<RunView>
  /** What a restore in place replaced and is still there. @param id of its run or request. @throws Fault not-found · stale when it is not any more */
  swap(id: string): Promise<SwapView>
  /** All of a strategy that are still there, oldest first. */
  swaps(strategy: string): Promise<SwapView[]>

  /** Nothing starts by itself until resumed, or until this instant (epoch ms). @throws Fault not-found */
  pause(strategies: string[], until: number | null, actor: Actor): Promise<void>
  /** @returns those that were paused */
  resume(strategies: string[], actor: Actor): Promise<string[]>

  /** Makes the service load its configuration again, all or nothing. In a command beside a service that one does it.
   * @throws Fault config-invalid with every mistake · not-found (no service) · timed-out */
  reload(actor: Actor): Promise<ConfigChanges>

  /** Tries everything a backup and a restore need, without making one; here, in the process that is asked.
   * @param strategy  one, or several; null = all. @throws Fault not-found */
  doctor(strategy: string | readonly string[] | null): Promise<{ title: string; checks: Check[] }[]>

  /** Encrypts a word as a strategy's dumps are; who decrypts it elsewhere types it back. @throws Fault not-found · usage · key-… */
  askDecryptTest(strategy: string): Promise<DecryptTest>
  /** Records that the keys work; from then on backups are made. @throws Fault usage (another word) · stale (other keys since) */
  passDecryptTest(answer: { strategy: string; word: string }, actor: Actor): Promise<void>

  /** The next planned backups and drills, soonest first. @param among  only of these strategies */
  schedule(limit: number, among?: readonly string[]): Promise<Planned[]>
  /** Rebuilds the catalogue from what the storages hold. */
  syncCatalogue(): Promise<
    {
      storage: string
      found: number
      added: number
      removed: number
      foreign: number
      broken: { key: string; why: string }[]
      /** Why this place could not be read; what was known of it stays. null = it was read. */
      failed: FaultFacts | null
    }[]
  >
  health(): Promise<Health>

  /** Everybody who is told. */
  notifiers(): Promise<NotifierView[]>
  /** Tells everybody something harmless, or one of them; here, in the process that is asked. @param name  null = all */
  testNotifiers(
    name: string | null,
    by: Actor,
  ): Promise<{ name: string; kind: string; ok: boolean; text: string }[]>

  /** Decisions and refusals, newest first. */
  audit(filter: AuditAsk): Promise<AuditRow[]>
  /** Walks the whole chain of the audit log, and compares it with what was stored of it with the backups. */
  verifyAudit(): Promise<AuditReport>
  /** What goes on and waits now. @param among  of these strategies alone */
  dashboard(among?: readonly string[]): Promise<Dashboard>
  /** What happened since the last digest was due, and how things stand. @param among  of these strategies alone */
  digest(among?: readonly string[]): Promise<DigestView>
  /** What happened in a period, as evidence. @param only  of this strategy alone, or of these; null = of all. @throws Fault not-found · usage */
  report(period: ReportAsk, only: string | readonly string[] | null): Promise<Report>
}

/** A verification of an encrypted backup with a key that is not configured. */
export interface VerifyHow {
  level: Level
  /** As in RestoreAsk. */
  keyFile: string | null
}

/** Who decides a request, as it was shown to them. */
export interface DecidedBy {
  actor: Actor
  version: number | null
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

/** What begins by itself, and when. */
export interface Planned {
  kind: 'backup' | 'drill'
  strategy: string
  at: number
  schedule: string
  timezone: string
}

/** Which of many; what is absent does not matter. Instants are epoch ms, both included. */
export interface HistoryAsk {
  strategy?: string
  tag?: string
  state: RunState
  /** Only of these strategies. */
  among?: readonly string[]
  since?: number
  until?: number
  /** Text in the id. */
  search?: string
  limit: number
}

export interface BackupsAsk extends Omit<HistoryAsk, 'state'> {
  database?: string
  storage?: string
  /** At least. */
  level?: Level
  standing?: 'good' | 'corrupt' | 'owed' | 'pinned' | 'foreign'
}

/** A run as history has it. */
export type { RunLine } from '../state/find.ts'

export interface RestoreAsk {
  /** A backup id, its last four characters, or `latest`; not looked at with `from`. */
  backup: string
  /** An absolute path or `s3://bucket/key` of a dump, a manifest, or a folder with one backup: the catalogue is not asked. */
  from?: string | null
  strategy: string | null
  targetDb: string | null
  targetUrl: string | null
  noOwner: boolean
  reason: string | null
  /** Only these tables, as `show` names them; absent or empty: everything. */
  tables?: readonly string[]
  /** Overwrite a target that holds something. */
  clean?: boolean
  /** In the place of the strategy's own database, which is kept for `restore.undo`. */
  inPlace?: boolean
  /** Copy it into this place of the strategy. */
  clone?: string
  /** Live sessions may be ended. */
  force?: boolean
  /** The name of what is overwritten, as the person typed it; on the host it is asked for at the terminal. */
  typed?: string | null
  /** Tables loaded at a time. */
  jobs?: number
  /** Refuse a file that is not what manifest, name and configuration say, instead of warning. */
  strictSniff?: boolean
  /** A file of this host with the private key or the passphrase of an encrypted backup; absent: as configured. */
  keyFile?: string | null
  /** Plain SQL may be restored. */
  allowSqlFallback?: boolean
}

export type { DownloadAsk, PinAsk, RetentionView } from './asks.ts'
