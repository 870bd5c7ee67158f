import { plural } from '../commands/phrases.ts'
import { formatAge, formatBytes, formatCount } from '../core/duration.ts'
import { Fault } from '../core/faults.ts'
import type { PruneRequestView, RunView } from '../core/model.ts'
import type { App } from './app-contract.ts'
import { follow } from './follow.ts'
import type { Look } from './render-table.ts'
import { lookOf, remark, type Session } from './session.ts'
import { harmless, paint } from './terminal.ts'

/** Shows what would go, asks once for all of it, confirms exactly what was shown, and watches the runs. */
export async function confirmDeletions(
  session: Session,
  app: App,
  asked: { requests: PruneRequestView[]; notes: string[]; yes: boolean },
): Promise<number> {
  const { requests, notes, yes } = asked
  const look = { ...lookOf(session, app.clock), colours: session.terminal.colours.stderr }
  if (!session.globals.json) remark(session, renderDeletions(requests, notes, look))
  const others = requests.filter(({ needs, state }) => needs.second && state === 'waiting')
  for (const { id } of others)
    remark(
      session,
      `request ${id} needs a second person: see the approvals channel of Slack, or \`easy-backup approve ${id}\` here`,
    )
  const own = requests.filter((request) => !others.includes(request))
  const open = own.some(({ state }) => state === 'waiting')
  // those that no longer wait are not asked about: confirming them tells why
  if (!yes && open && !(await agrees(session, own))) {
    for (const { id, version } of own)
      await app.ask({ name: 'dismiss', args: { request: id, version } }, app.person)
    throw new Fault('cancelled', 'not confirmed; nothing was deleted')
  }
  const runs: RunView[] = []
  for (const { id, version } of own) {
    const reply = await app.ask({ name: 'confirm', args: { request: id, version } }, app.person)
    if (reply.type === 'run') runs.push(reply.run)
  }
  return follow(session, app, runs)
}

async function agrees({ terminal }: Session, requests: PruneRequestView[]): Promise<boolean> {
  const count = requests.reduce((sum, { plan }) => sum + plan.count, 0)
  const answer = await terminal.ask(`Delete ${plural(count, 'backup')}? [y/N] `)
  return /^y(es)?$/i.test(answer.trim())
}

/** Every backup that would go, with its reason. */
export function renderDeletions(
  requests: readonly PruneRequestView[],
  notes: readonly string[],
  look: Look,
): string {
  return [...requests.map((request) => renderOne(request, look)), ...notes.map(harmless)].join('\n')
}

function renderOne({ id, state, plan }: PruneRequestView, look: Look): string {
  const { strategy, series, storage, count, total, storedBytes } = plan
  const whose = series === strategy ? strategy : `${strategy} (${series})`
  const title = `Delete ${formatCount(count)} of ${plural(total, 'backup')} of ${whose} in ${storage} · ${formatBytes(storedBytes)}`
  const lines = plan.deletions.map(
    (one) => `${one.id}  ${formatAge(look.now - one.createdAt)}  ${one.reason}`,
  )
  return [
    paint(harmless(title), 'bold', look.colours),
    ...lines.map((line) => `  ${harmless(line)}`),
    paint(`  request ${id} · ${state === 'waiting' ? 'waits for an answer' : state}`, 'dim', look.colours),
  ].join('\n')
}
