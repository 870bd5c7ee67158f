import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Fault } from '../core/faults.ts'
import type { Actor, RunView, StrategyView } from '../core/model.ts'
import { slotsBetween } from '../core/schedule.ts'
import { findRequest } from '../state/requests.ts'
import { endRun, findRun, listRuns, openRuns, requestCancel } from '../state/runs.ts'
import { createFileSpool } from '../sys/spool.ts'
import { admitBackup, admitVerify, viewIn } from './admit.ts'
import { adoptInstallation, findBackup, syncStorage } from './catalogue.ts'
import { makeRunFolder } from './folders.ts'
import { storageOf, strategyOf, type EngineContext } from './context.ts'
import type { Engine } from './facade.ts'
import type { HealthProbe } from './health.ts'
import { fetchVerified } from './objects.ts'
import { chainOf, rawInput, spoolPath } from './pipeline.ts'
import { folderOf } from './prune.ts'
import {
  confirmRequest,
  dismissRequest,
  draftRequest,
  fileRequest,
  newRunId,
  settleRequest,
} from './restore/requests.ts'
import { tellRun } from './tell.ts'
import { listBackups, runView, strategyView } from './views.ts'

const furthestMs = 400 * 24 * 60 * 60 * 1000 // a yearly schedule still has its next slot shown
const watchMs = 250 // how often a watcher looks; a progress bar needs no more

/** @param onAccepted is told which run was queued (null: a cancel), so that a worker in this process looks at once */
export function createEngine(
  context: EngineContext,
  probe: HealthProbe,
  onAccepted: (run: string | null) => void,
): Engine {
  const { clock, database } = context
  const db = database.read

  const strategies = (): Promise<StrategyView[]> =>
    Promise.all(context.config.strategies.map((strategy) => strategyView(context, strategy)))

  async function run(id: string): Promise<RunView> {
    const found = (await findRun(db, id)) ?? (await runBySuffix(id))
    if (!found)
      throw new Fault('not-found', `there is no run ${id.slice(0, 40)}`, {
        hint: '`status` shows what is running',
      })
    return runView(context, found)
  }

  async function runBySuffix(id: string): ReturnType<typeof findRun> {
    if (!/^[a-z0-9]{4}$/.test(id)) return null
    const rows = await db
      .selectFrom('runs')
      .select('id')
      .where('id', 'like', `%${id}`)
      .orderBy('seq', 'desc')
      .limit(2)
      .execute()
    return rows.length === 1 ? findRun(db, rows[0]!.id) : null
  }

  async function* watch(id: string, signal: AbortSignal): AsyncGenerator<RunView> {
    for (let last = ''; ; await clock.sleep(watchMs, signal)) {
      const view = await run(id)
      const text = JSON.stringify(view)
      if (text !== last) yield view
      last = text
      if (view.endedAt !== null) return
    }
  }

  /** A queued run ends here; a running one is told through its row, whichever process holds it. */
  async function cancel(idOrStrategy: string, actor: Actor): Promise<RunView> {
    const id = await openRunOf(idOrStrategy)
    const view = await database.write(async (tx) => {
      await requestCancel(tx, id, actor)
      const found = await findRun(tx, id)
      if (found?.state !== 'queued') return viewIn(context, tx, id)
      const fault = {
        code: 'cancelled' as const,
        text: 'cancelled before it started',
        hint: `by ${actor.id}`,
      }
      await endRun(tx, id, { outcome: 'cancelled', at: clock.now(), result: null, fault })
      await settleRequest(context, tx, (await findRun(tx, id))!)
      const ended = await viewIn(context, tx, id)
      await tellRun(context, tx, ended)
      return ended
    })
    if (view.startedAt === null && view.endedAt !== null) emitEnd(view)
    onAccepted(null)
    return view
  }

  function emitEnd({ id: run, kind, strategy, fault }: RunView): void {
    const code = fault?.code ?? null
    context.bus.emit({ type: 'run.ended', run, kind, strategy, outcome: 'cancelled', code, tookMs: 0 })
  }

  async function openRunOf(idOrStrategy: string): Promise<string> {
    if (!context.config.strategies.some((strategy) => strategy.name === idOrStrategy))
      return (await run(idOrStrategy)).id
    const all = (await openRuns(db)).filter((one) => one.strategy === idOrStrategy)
    const open = all.find((one) => one.kind === 'backup') ?? all[0]
    if (!open)
      throw new Fault('not-found', `nothing of ${idOrStrategy} is running`, {
        hint: '`status` shows what is running',
      })
    return open.id
  }

  async function get(
    backupId: string,
    options: { decompress: boolean; signal: AbortSignal },
    sink: Writable,
  ): Promise<void> {
    const { copies } = await findBackup(context, backupId, null)
    const copy = copies.find(
      (candidate) => candidate.corrupt === null && context.storages.has(candidate.storage),
    )
    if (!copy)
      throw new Fault('object-corrupt', `no good copy of ${backupId} is left`, {
        hint: '`list` shows which backups are good',
      })
    const [artifact] = copy.manifest.artifacts
    if (!artifact) throw new Fault('object-missing', `${backupId} holds no file`)
    const id = newRunId(context)
    const folder = await makeRunFolder(context, id)
    const spool = await createFileSpool(spoolPath(folder, artifact.name), clock)
    try {
      await fetchVerified(storageOf(context, copy.storage), artifact, {
        into: spool,
        onBytes: () => undefined,
        signal: options.signal,
      })
      const raw = join(folder, 'raw')
      const running = {
        signal: options.signal,
        runId: id,
        said: (tool: string, line: string) => context.log.warn('a tool said', { tool, line }),
      }
      if (options.decompress)
        await rawInput(spool, chainOf(artifact.filters, context.filters), {
          processes: context.processes,
          running,
        }).intoFile(raw)
      await pipeline(createReadStream(options.decompress ? raw : spool.path), sink, {
        signal: options.signal,
        end: false,
      })
    } finally {
      await spool.close()
      await rm(folder, { recursive: true, force: true })
    }
  }

  async function schedule(limit: number): ReturnType<Engine['schedule']> {
    const now = clock.now()
    const all = context.config.strategies.flatMap((strategy) => {
      const words = strategy.schedule.type === 'manual' ? 'manual' : strategy.schedule.text
      return slotsBetween(strategy.schedule, strategy.timezone, now, now + furthestMs, limit).map((at) => ({
        strategy: strategy.name,
        at,
        schedule: words,
        timezone: strategy.timezone,
      }))
    })
    return all.toSorted((a, b) => a.at - b.at).slice(0, limit)
  }

  return {
    strategyNames: () => context.config.strategies.map((strategy) => strategy.name),
    strategies,
    run,
    watch,
    cancel,
    get,
    schedule,
    startBackup: async (name, by) => {
      const strategy = strategyOf(context, name)
      const view = await database.write(async (tx) =>
        viewIn(context, tx, await admitBackup(context, tx, strategy, { ...by, slotAt: null })),
      )
      context.bus.emit({ type: 'run.queued', run: view.id, kind: 'backup', strategy: name })
      onAccepted(view.id)
      return view
    },
    startVerify: async (id, level, actor) => {
      const { view } = await findBackup(context, id, null)
      strategyOf(context, view.strategy)
      const ask = {
        strategy: view.strategy,
        series: view.series,
        backup: view.id,
        level: level === 'V1' ? ('V1' as const) : ('V2' as const),
        actor,
      }
      const run = await database.write(async (tx) => viewIn(context, tx, await admitVerify(context, tx, ask)))
      onAccepted(run.id)
      return run
    },
    runs: async (filter) => Promise.all((await listRuns(db, filter)).map((one) => runView(context, one))),
    runLog: async (id) => context.logs.read((await run(id)).id),
    backups: async (filter) => {
      const names = filter.strategy
        ? [strategyOf(context, filter.strategy).name]
        : filter.tag
          ? tagged(filter.tag)
          : null
      return listBackups(context, {
        ...(names ? { strategies: names } : {}),
        ...(filter.database ? { series: filter.database } : {}),
        limit: filter.limit,
      })
    },
    backup: async (id, strategy) => {
      const { view, copies } = await findBackup(context, id, strategy)
      const { manifest } = copies[0]!
      return {
        view,
        manifest,
        copies: copies.map((copy) => ({
          storage: copy.storage,
          location: `${context.storages.get(copy.storage)?.location ?? copy.storage}/${folderOf(copy)}`,
        })),
      }
    },
    requestRestore: (ask, actor) => fileRequest(context, ask, actor),
    planRestore: async (ask, actor) => (await draftRequest(context, ask, actor)).view,
    request: async (id) => {
      const request = await findRequest(db, id)
      if (!request) throw new Fault('not-found', `there is no request ${id.slice(0, 40)}`)
      return request.view
    },
    confirm: async (id, version, actor) => {
      const view = await confirmRequest(context, id, version, actor)
      onAccepted(view.run)
      return view
    },
    dismiss: (id, version, actor) => dismissRequest(context, id, version, actor),
    syncCatalogue: async () => {
      await adoptInstallation(context)
      return Promise.all(
        [...context.storages.values()].map((storage) =>
          syncStorage(context, storage, AbortSignal.timeout(60 * 60_000)),
        ),
      )
    },
    health: async () => probe.health(await strategies()),
  }

  function tagged(tag: string): string[] {
    const names = context.config.strategies
      .filter((strategy) => strategy.tags.includes(tag))
      .map((strategy) => strategy.name)
    if (names.length === 0) throw new Fault('not-found', `no strategy has the tag ${tag.slice(0, 63)}`)
    return names
  }
}
