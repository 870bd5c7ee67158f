import { failureHint, isEnded, runSentence } from '../commands/phrases.ts'
import { allTable } from '../commands/verify-words.ts'
import { faultFacts, type FaultFacts } from '../core/faults.ts'
import type { RunView } from '../core/model.ts'
import { subjectOf } from '../core/subject.ts'
import type { App } from './app-contract.ts'
import { exitOfRun } from './exit-codes.ts'
import { progressLine } from './progress.ts'
import { renderFault, renderReply, renderRun } from './render.ts'
import { lookOf, remark, say, sayJson, type Session } from './session.ts'
import { harmless } from './terminal.ts'

/** Watches runs until all have ended, and says how each did: progress in one line on a screen; elsewhere one line at the
 * start, one now and then, and one at the end. Ctrl-C cancels them, a second one leaves at once.
 * @returns exit code of the first that did not end well */
export async function follow(session: Session, app: App, runs: RunView[]): Promise<number> {
  const latest = new Map(runs.map((run) => [run.id, run]))
  const line = progressLineOn(session, app.clock)
  const release = cancelOnInterrupt(session, app, latest)
  if (!line.isDrawn && !session.globals.json)
    for (const run of runs) remark(session, renderRun(run, plain(app)))
  try {
    await Promise.all(runs.map((run) => (run.group === run.id ? watchGroup(run.id) : watchOne(run))))
  } finally {
    line.clear()
    release()
  }
  const ended = [...latest.values()]
  if (session.globals.json) sayJson(session, ended.length === 1 ? ended[0] : ended)
  else sayTable(session, app, ended)
  return ended.map(exitOfRun).find((exit) => exit !== 0) ?? 0

  async function watchOne(run: RunView): Promise<void> {
    for await (const view of app.engine.watch(run.id, new AbortController().signal)) {
      latest.set(view.id, view)
      if (!isEnded(view.state)) line.draw(() => progressLine([...latest.values()], view))
    }
    line.clear()
    if (!session.globals.json) report(session, app, latest.get(run.id)!)
  }

  /** Every database of a server, each as it ends. */
  async function watchGroup(group: string): Promise<void> {
    const over: string[] = []
    for (let open = 1; open > 0;) {
      const views = await app.engine.group(group, over)
      for (const view of views) {
        latest.set(view.id, view)
        if (!isEnded(view.state)) continue
        over.push(view.id)
        line.clear()
        if (!session.globals.json) reportLine(session, view)
      }
      const running = views.filter(({ state }) => !isEnded(state))
      open = running.length
      const shown = running.find(({ state }) => state === 'running') ?? running[0]
      if (shown) line.draw(() => progressLine([...latest.values()], shown))
      if (open > 0) await app.clock.sleep(groupLookMs)
    }
  }
}

const groupLookMs = 500

/** What many verifications found, together. */
function sayTable(session: Session, app: App, ended: RunView[]): void {
  const table = allTable(ended)
  if (table) say(session, renderReply({ type: 'table', table }, lookOf(session, app.clock)))
}

function report(session: Session, app: App, run: RunView): void {
  const fault = faultOf(run)
  if (run.drill) {
    say(session, renderRun(run, lookOf(session, app.clock))) // a verdict is an answer, whichever it is
    if (run.fault?.hint) remark(session, `  ${harmless(run.fault.hint)}`)
    return
  }
  if (run.state === 'succeeded' || run.state === 'degraded' || run.state === 'skipped')
    say(session, renderRun(run, lookOf(session, app.clock)))
  if (fault) remark(session, renderFault(fault, session.terminal.colours.stderr))
}

/** One of many: the line itself. */
function reportLine(session: Session, run: RunView): void {
  const isFault = run.state === 'failed' || run.state === 'interrupted' || run.state === 'cancelled'
  if (!isFault) say(session, harmless(runSentence(run)))
  const fault = isFault || run.state === 'degraded' ? faultOf(run) : null
  if (fault) remark(session, renderFault(fault, session.terminal.colours.stderr))
}

/** A run's fault with its strategy in front; for JSON the run itself says it. */
function faultOf(run: RunView): FaultFacts | null {
  if (run.state === 'cancelled') return { code: 'cancelled', text: runSentence(run), hint: null }
  if (!run.fault) return null
  const text = run.state === 'degraded' ? `${subjectOf(run)}: ${run.fault.text}` : runSentence(run)
  return {
    ...run.fault,
    text,
    hint: failureHint(run) ?? `\`easy-backup log ${run.id}\` shows what its tools said`,
  }
}

function cancelOnInterrupt(session: Session, app: App, latest: Map<string, RunView>): () => void {
  let asked = false
  return session.terminal.onInterrupt(() => {
    if (asked) return session.terminal.exit(interruptedExit)
    asked = true
    remark(session, '\ncancelling; Ctrl-C again leaves at once')
    for (const { id, state } of latest.values()) if (!isEnded(state)) void cancel(id)
  })

  async function cancel(run: string): Promise<void> {
    try {
      await app.ask({ name: 'cancel', args: { run } }, app.person)
    } catch (error) {
      remark(session, renderFault(faultFacts(error), session.terminal.colours.stderr))
    }
  }
}

const interruptedExit = 130 // what shells say of a program that Ctrl-C ended

const sayAgainMs = 30_000 // pipelines end what is silent for some minutes

/** On a screen one line that is written over; in a pipeline's log a new one now and then. */
function progressLineOn(
  { terminal, globals }: Session,
  clock: App['clock'],
): {
  isDrawn: boolean
  draw(text: () => string): void
  clear(): void
} {
  const isDrawn = terminal.drawsProgress && !globals.json
  const columns = terminal.width ?? 80
  let saidAt = clock.monotonic()

  function sayNow(text: () => string): void {
    if (globals.json || clock.monotonic() - saidAt < sayAgainMs) return
    saidAt = clock.monotonic()
    terminal.stderr.write(`${harmless(text())}\n`)
  }

  return {
    isDrawn,
    draw: (text) => {
      if (isDrawn) terminal.stderr.write(`\r${harmless(text()).slice(0, columns - 1)}\u001B[K`)
      else sayNow(text)
    },
    clear: () => {
      if (isDrawn) terminal.stderr.write('\r\u001B[K')
    },
  }
}

function plain(app: App) {
  return { width: null, colours: false, now: app.clock.now() }
}
