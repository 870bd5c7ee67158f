import { PassThrough } from 'node:stream'
import type { Strategy } from '../core/config.ts'
import { formatDuration } from '../core/duration.ts'
import { asFault, Fault } from '../core/faults.ts'
import type { HooksConfig } from '../core/hooks.ts'
import type { BackupResult, Outcome } from '../core/model.ts'
import { findRun, type Run } from '../state/runs.ts'
import { readLines } from '../sys/lines.ts'
import { toolOf, ToolFailure } from '../sys/process.ts'
import { driverOf, type EngineContext } from './context.ts'
import { change } from './progress.ts'
import { strategyOfRun } from './restore/choose.ts'
import type { Work, WorkResult } from './work.ts'

/** What a run came to, before it is written. */
export interface HookedEnd {
  outcome: Outcome
  result: WorkResult | null
  fault: Fault | null
}

type Moment = 'before' | 'after' | 'on_failure'

const stoppingMs = 10_000 // whoever stops the service kills it after a while
const longestFact = 2_000 // characters of a variable

/** Runs `before` of a strategy: for all attempts of a run together once, unless it failed.
 * @returns what a new dump calls first. @throws Fault hook-failed · the signal's reason */
export function beforeHooks(
  context: EngineContext,
  { hooks }: Strategy,
): (work: Omit<Work, 'before'>) => Promise<void> {
  let isDone = hooks === null || hooks.before.length === 0
  return async (work) => {
    if (isDone) return
    const { pulse, signal } = work
    pulse.stage('hooks')
    pulse.watch(() => Promise.resolve(true)) // they have a limit of their own
    const facts = factsOf(context, work, { hook: 'before', attempt: work.run.attempt })
    for (const argv of hooks!.before)
      await runProgram(context, { ...work, hooks: hooks!, argv, moment: 'before', facts }, signal)
    pulse.watch(null)
    pulse.stage('starting')
    isDone = true
  }
}

/** Runs `after` or `on_failure` of a backup's run, before its end is written: until then no other run of the strategy begins, and
 * what fails is told with the run. A good backup stays good. Never throws.
 * @param cancel stops them; one that fired already leaves `on_failure` its time */
export async function withEndHooks<E extends HookedEnd>(
  context: EngineContext,
  run: Run,
  { end, cancel }: { end: E; cancel: AbortSignal },
): Promise<E> {
  if (run.kind !== 'backup') return end
  const strategy = await strategyOfRun(context, run).catch(() => null) // it is no longer configured
  const moment = end.result ? 'after' : 'on_failure'
  const programs = strategy?.hooks?.[moment === 'after' ? 'after' : 'onFailure'] ?? []
  if (!strategy?.hooks || programs.length === 0) return end
  const now = (await findRun(context.database.read, run.id).catch(() => null)) ?? run
  await change(context, run.id, { stage: 'hooks' }).catch(() => undefined) // only shown
  const facts = factsOf(context, { run: now, strategy }, { hook: moment, attempt: now.attempt, end })
  const { hooks, signal } = granted(strategy.hooks, cancel)
  const failures: string[] = []
  for (const argv of programs) {
    if (signal.aborted) break
    await runProgram(context, { run, hooks, argv, moment, facts }, signal).catch((error: unknown) => {
      failures.push(failureText(error, { argv, signal }))
    })
  }
  return failures.length === 0 ? end : told(context, run, { end, failures })
}

/** A run that was cancelled still tidies up after itself; a service that stops does not wait for long. */
function granted(hooks: HooksConfig, cancel: AbortSignal): { hooks: HooksConfig; signal: AbortSignal } {
  if (!cancel.aborted) return { hooks, signal: cancel }
  const isStopping = asFault(cancel.reason).code !== 'cancelled'
  const timeoutMs = isStopping ? Math.min(hooks.timeoutMs, stoppingMs) : hooks.timeoutMs
  return { hooks: { ...hooks, timeoutMs }, signal: new AbortController().signal }
}

function failureText(
  error: unknown,
  { argv, signal }: { argv: readonly string[]; signal: AbortSignal },
): string {
  return signal.aborted ? `a hook was stopped: ${toolOf({ argv })}` : asFault(error).message
}

function told<E extends HookedEnd>(
  context: EngineContext,
  run: Run,
  { end, failures }: { end: E; failures: string[] },
): E {
  for (const text of failures) context.logs.append(run.id, text)
  const { result, fault } = end
  if (fault && !result) {
    const { code, message, hint, retry } = fault
    const text = [message, ...failures].join('; and ')
    return { ...end, fault: new Fault(code, text, { ...(hint !== null && { hint }), retry, cause: fault }) }
  }
  const backup = result?.result.backup
  if (!result || !backup) return end
  const warnings = [...backup.warnings, ...failures.map(context.scrub)]
  return { ...end, result: { ...result, result: { ...result.result, backup: { ...backup, warnings } } } }
}

interface Program {
  run: Run
  hooks: HooksConfig
  argv: readonly string[]
  moment: Moment
  facts: Record<string, string>
}

/** @throws Fault hook-failed · the signal's reason */
async function runProgram(
  context: EngineContext,
  { run, hooks, argv, moment, facts: env }: Program,
  signal: AbortSignal,
): Promise<void> {
  const { clock, processes, logs } = context
  const said = (tool: string, line: string): void => logs.append(run.id, `${tool}: ${line}`)
  const tool = toolOf({ argv })
  const over = new AbortController()
  const limit = new AbortController()
  const late = `a hook failed: ${tool} took longer than ${formatDuration(hooks.timeoutMs)}`
  const expire = (): void =>
    limit.abort(new Fault('hook-failed', late, { hint: 'raise hooks.timeout, or make it quicker' }))
  void clock.sleep(hooks.timeoutMs, over.signal).then(expire, () => undefined)
  const output = new PassThrough()
  const lines = readLines(output, (line) => said(tool, line))
  logs.append(run.id, `hooks.${moment}: ${tool}`)
  try {
    await processes.join(
      {
        stages: [{ argv, env, cwd: hooks.folder }],
        input: null,
        output: { into: output },
        leavesOthers: true,
      },
      { signal: AbortSignal.any([signal, limit.signal]), runId: run.id, said },
    )
  } catch (error) {
    signal.throwIfAborted()
    throw hookFault(error, { argv, moment })
  } finally {
    over.abort(new Error('the hook is over'))
    output.end()
    await lines
  }
}

function hookFault(error: unknown, { argv, moment }: { argv: readonly string[]; moment: Moment }): Fault {
  const { code, message } = asFault(error)
  if (code === 'hook-failed') return asFault(error)
  if (error instanceof ToolFailure)
    return new Fault('hook-failed', `a hook failed: ${message}`, {
      hint: `it stands in hooks.${moment}; what it said is in the run’s log`,
      cause: error,
    })
  const why = code === 'tool-missing' ? `${toolOf({ argv })} is not there` : message
  return new Fault('hook-failed', `a hook failed: ${why}`, {
    hint: `hooks.${moment} names ${argv[0]}: it has to be there, and to be executable`,
    retry: false,
    cause: error,
  })
}

interface Known {
  hook: Moment
  attempt: number
  end?: HookedEnd
}

/** The facts of a run as variables; the run itself is in EASY_BACKUP_RUN. Nothing secret is among them. */
function factsOf(
  context: EngineContext,
  { run, strategy }: { run: Run; strategy: Strategy },
  { hook, attempt, end }: Known,
): Record<string, string> {
  const { kind, url } = strategy.source
  const parsed = driverOf(context, kind).parseUrl(url)
  const facts = {
    HOOK: hook,
    STRATEGY: strategy.name,
    DATABASE: run.series || ('mistake' in parsed ? '' : parsed.database),
    TRIGGER: run.trigger,
    ATTEMPT: String(attempt),
    ...(end && { OUTCOME: end.outcome }),
    ...(end?.result?.result.backup && storedFacts(end.result.result.backup)),
    ...(end?.fault && { ERROR_CODE: end.fault.code, ERROR: end.fault.message }),
  }
  const named = Object.entries(facts).map(([name, value]) => [`EASY_BACKUP_${name}`, plain(context, value)])
  return Object.fromEntries(named) as Record<string, string>
}

function storedFacts({ id, storedBytes, storages }: BackupResult): Record<string, string> {
  return { BACKUP: id, STORED_BYTES: String(storedBytes), PLACES: storages.join(',') }
}

/** Errors bring words from elsewhere. */
function plain({ scrub }: EngineContext, text: string): string {
  return scrub(text)
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, longestFact)
}
