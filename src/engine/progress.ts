import { asFault } from '../core/faults.ts'
import type { Progress } from '../core/model.ts'
import { changeRun, findRun, type Run, type RunChange } from '../state/runs.ts'
import type { EngineContext } from './context.ts'
import { tellProgress } from './tell.ts'
import { runView } from './views.ts'

const editsPerMinute = 36 // of Slack's 50 per minute and workspace (slack.md, "Many at once")

/** Writes progress for whoever watches: every beat for local watchers, the thread's message as often as Slack allows. */
export function createShows(
  context: EngineContext,
  run: Run,
  parallel: () => number,
): (progress: Progress) => void {
  let toldAt = -Infinity
  let writing = false
  return (progress) => {
    if (writing) return // a superseded beat is dropped, never queued
    const intervalMs = Math.max(5_000, (parallel() * 60_000) / editsPerMinute)
    const tell = context.clock.monotonic() - toldAt >= intervalMs
    if (tell) toldAt = context.clock.monotonic()
    writing = true
    void change(context, run.id, { progress, stage: progress.stage }, tell)
      .catch((error: unknown) =>
        context.log.warn('progress could not be written', { run: run.id, error: asFault(error).message }),
      )
      .finally(() => (writing = false))
  }
}

/** Changes a run that is still running, and says so in its thread. */
export async function change(
  context: EngineContext,
  runId: string,
  columns: RunChange,
  tell = true,
): Promise<void> {
  await context.database.write(async (tx) => {
    if (!(await changeRun(tx, runId, columns)) || !tell) return
    const run = await findRun(tx, runId)
    if (run) await tellProgress(context, tx, await runView(context, run, tx))
  })
}
