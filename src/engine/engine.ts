import { Fault } from '../core/faults.ts'
import type { AnyRequestView, BackupView } from '../core/model.ts'
import { listDebts } from '../state/owed.ts'
import { findAudit } from '../state/audit.ts'
import { drillsOf } from '../state/drill-standing.ts'
import { findRunLines } from '../state/find.ts'
import { listRuns } from '../state/runs.ts'
import { listSwaps } from '../state/swaps.ts'
import {
  askedRun,
  cancelRun,
  groupViews,
  startBackup,
  startDrill,
  startVerify,
  startVerifyAll,
  watchRun,
} from './asked-runs.ts'
import { findBackup, syncCatalogue } from './catalogue.ts'
import { strategyOf, type EngineContext } from './context.ts'
import { dashboardOf } from './dashboard.ts'
import { composeDigest, currentPeriod } from './digest.ts'
import { composeReport } from './report.ts'
import { diagnose } from './doctor.ts'
import { makeDownload } from './download.ts'
import { explainRetention } from './explain.ts'
import { askDecryptTest, passDecryptTest } from './decrypt-test.ts'
import type { Engine, HistoryAsk } from './facade.ts'
import { handOut } from './hand-out.ts'
import type { HealthProbe } from './health.ts'
import { acknowledge, incidentOf, listIncidents, snooze } from './incidents/acts.ts'
import { pauseStrategies, resumeStrategies } from './pauses.ts'
import { folderOf } from './folder-of.ts'
import { testNotifiers, viewNotifiers } from './notifiers.ts'
import { verifyAudit } from './audit-heads.ts'
import { pinBackup, unpinBackup } from './pins.ts'
import { requestPrune } from './prune-run.ts'
import { listOpen, reviewRequest } from './requests.ts'
import {
  approveRequest,
  confirmRequest,
  dismissRequest,
  rejectRequest,
  requestOf,
} from './requests/decide.ts'
import { createLook } from './requests/unchanged.ts'
import { inZone } from './requests/zone.ts'
import { draftRequest, fileRequest } from './restore/requests.ts'
import { startUndo, swapView } from './restore/undo.ts'
import { plannedRuns } from './planned.ts'
import { listBackups, runView, strategyViews } from './views.ts'

/** @param onAccepted is told which run was queued (null: a cancel), so that a worker in this process looks at once */
export function createEngine(
  context: EngineContext,
  probe: HealthProbe,
  onAccepted: (run: string | null) => void,
): Engine {
  const look = createLook(context)
  const zoned = <View extends AnyRequestView>(view: View): View => inZone(context, view)
  /** Hands on what was accepted. */
  const accepted = async <T>(asked: Promise<T>, run: (answer: T) => string | null): Promise<T> => {
    const answer = await asked
    onAccepted(run(answer))
    return answer
  }
  return {
    strategyNames: () => context.config.strategies.map((strategy) => strategy.name),
    strategies: () => strategyViews(context),
    startBackup: (name, by) => accepted(startBackup(context, name, by), ({ id }) => id),
    startVerify: (backup, how, actor) =>
      accepted(startVerify(context, { backup, how, actor }), ({ id }) => id),
    startVerifyAll: (strategy, level, actor) =>
      accepted(startVerifyAll(context, { strategy, level, actor }), ({ id }) => id),
    startDrill: (strategy, backup, by) =>
      accepted(startDrill(context, { strategy, backup, ...by }), ({ id }) => id),
    cancel: (id, actor) => accepted(cancelRun(context, id, actor), () => null),
    run: (id) => askedRun(context, id),
    group: (id, without) => groupViews(context, id, without),
    runs: async (filter) =>
      Promise.all((await listRuns(context.database.read, filter)).map((run) => runView(context, run))),
    watch: (id, signal) => watchRun(context, id, signal),
    runLog: async (id) => context.logs.read((await askedRun(context, id)).id),
    backups: (filter) => backups(context, filter),
    history: (filter) =>
      findRunLines(context.database.read, { ...withoutScope(filter), ...scopeOf(context, filter) }),
    backup: (id, strategy) => backup(context, id, strategy),
    get: (id, options, sink) => handOut(context, id, { ...options, sink }),
    download: (ask, actor) => makeDownload(context, ask, actor),
    requestRestore: async (ask, actor) => zoned(await fileRequest(context, ask, actor)),
    planRestore: async (ask, actor) => zoned(await draftRequest(context, ask, actor)),
    request: async (id) => zoned((await requestOf(context, id)).view),
    requests: async () => (await listOpen(context)).map(zoned),
    requestPrune: (strategy, actor) => requestPrune(context, strategy, actor),
    retention: (strategy) => explainRetention(context, strategy),
    pin: (ask, actor) => pinBackup(context, ask, actor),
    unpin: (ask, actor) => unpinBackup(context, ask, actor),
    confirm: (id, version, actor) =>
      accepted(confirmRequest(context, look, { id, version, actor, reason: null }), ({ run }) => run).then(
        zoned,
      ),
    dismiss: (id, version, actor) => dismissRequest(context, { id, version, actor, reason: null }),
    approve: (id, by) => accepted(approveRequest(context, look, { id, ...by }), ({ run }) => run),
    reject: (id, by) => rejectRequest(context, { id, ...by }),
    review: (id, actor) => reviewRequest(context, id, actor),
    incidents: () => listIncidents(context),
    incident: (what) => incidentOf(context, what),
    acknowledge: (ask, actor) => acknowledge(context, ask, actor),
    snooze: (ask, actor) => snooze(context, ask, actor),
    undo: (ask, actor) => accepted(startUndo(context, { ...ask, actor }), ({ id }) => id),
    swap: (id) => swapView(context, id),
    swaps: (strategy) => listSwaps(context.database.read, strategy),
    pause: (names, until, actor) => pauseStrategies(context, names, { until, actor }),
    resume: (names, actor) => resumeStrategies(context, names, actor),
    doctor: (strategy) => diagnose(context, strategy),
    askDecryptTest: (strategy) => askDecryptTest(context, strategy),
    passDecryptTest: (answer, actor) => passDecryptTest(context, answer, actor),
    reload: () => Promise.reject(nothingToReload()),
    schedule: (limit, among) => plannedRuns(context, limit, among),
    syncCatalogue: () => syncCatalogue(context),
    audit: (filter) => findAudit(context.database.read, filter),
    verifyAudit: () => verifyAudit(context),
    dashboard: (among) => dashboardOf(context, among ?? null),
    digest: (among) => composeDigest(context, currentPeriod(context), among ?? null),
    report: (period, only) => composeReport(context, period, only),
    health: async () => probe.health(await strategyViews(context)),
    notifiers: () => viewNotifiers(context),
    testNotifiers: (name, by) => testNotifiers(context, name, by),
  }
}

/** A command alone reads the file at its own start. */
function nothingToReload(): Fault {
  return new Fault('not-found', 'no service is running on this state folder, so there is nothing to reload', {
    hint: 'the file has no mistakes; it is read when the service starts',
  })
}

/** The strategies that a listing is about; absent = all. */
function scopeOf(context: EngineContext, { strategy, tag, among }: Scope): { strategies?: string[] } {
  const named =
    strategy !== undefined
      ? [strategyOf(context, strategy).name]
      : tag === undefined
        ? undefined
        : tagged(context, tag)
  if (among === undefined) return named === undefined ? {} : { strategies: named }
  return { strategies: named?.filter((name) => among.includes(name)) ?? [...among] }
}

type Scope = Pick<HistoryAsk, 'strategy' | 'tag' | 'among'>

function withoutScope<Ask extends Scope>(ask: Ask): Omit<Ask, keyof Scope> {
  const { strategy: _strategy, tag: _tag, among: _among, ...rest } = ask
  return rest
}

function backups(context: EngineContext, filter: Parameters<Engine['backups']>[0]): Promise<BackupView[]> {
  const { database, ...same } = withoutScope(filter)
  return listBackups(context, {
    ...same,
    ...scopeOf(context, filter),
    ...(database !== undefined && { series: database }),
  })
}

function tagged(context: EngineContext, tag: string): string[] {
  const found = context.config.strategies.filter((strategy) => strategy.tags.includes(tag))
  if (found.length === 0) throw new Fault('not-found', `no strategy has the tag ${tag.slice(0, 63)}`)
  return found.map((strategy) => strategy.name)
}

async function backup(
  context: EngineContext,
  id: string,
  strategy: string | null,
): ReturnType<Engine['backup']> {
  const { view, copies, note } = await findBackup(context, id, strategy)
  const owed = (await listDebts(context.database.read, { backups: [view.id] })).map(({ storage }) => storage)
  const located = copies.map((copy) => ({
    storage: copy.storage,
    location: `${context.storages.get(copy.storage)?.location ?? copy.storage}/${folderOf(copy)}`,
  }))
  const drills = await drillsOf(context.database.read, { backups: [view.id], strategies: [view.strategy] })
  const drilled = drills.get(view.id) ?? null
  return { view: { ...view, owed, drilled }, manifest: copies[0]!.manifest, copies: located, note }
}
