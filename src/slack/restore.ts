import { commandsFor } from '../commands/ask.ts'
import type { Person } from '../commands/command.ts'
import type { Reply } from '../commands/reply.ts'
import { Fault } from '../core/faults.ts'
import type { BackupView, StrategyView } from '../core/model.ts'
import { faultView, loadingView } from './blocks/modals.ts'
import { restoreDialog, restoreTitle } from './blocks/restore-dialog.ts'
import type { RestoreDialog } from './blocks/restore-dialog.ts'
import { limits } from './limits.ts'
import type { Desk } from './desk.ts'
import { openView, updateView } from './open-view.ts'
import type { Place } from './private.ts'

/** What is known of the wanted backup before anybody looked. */
export interface Wanted {
  /** As typed: a strategy, a backup, or nothing. */
  what?: string | undefined
  strategy?: string | undefined
  backup?: string | undefined
}

/** Opens the dialog at once, because a trigger lives three seconds, and fills it when the backups are known.
 * Who may not restore reads it there. */
export async function openRestore(
  desk: Desk,
  trigger: string,
  opening: { place: Place; wanted: Wanted },
): Promise<void> {
  const { place, wanted } = opening
  const loading = loadingView(restoreTitle, 'Looking for backups …')
  const viewId = await openView(desk, trigger, { place, view: loading })
  if (viewId === null) return
  const view = await prepare(desk, place, wanted).then(restoreDialog, (error: unknown) =>
    faultView(restoreTitle, error),
  )
  await updateView(desk, viewId, { place, view })
}

/** The dialog's facts, for somebody who may see them.
 * @throws Fault denied · not-found */
export async function prepare(desk: Desk, place: Place, wanted: Wanted): Promise<RestoreDialog> {
  const person = await desk.identify(place.user)
  const strategies = await mayRestore(desk, person, wanted)
  const found = await resolve(desk, person, { ...wanted, strategies })
  const base = { strategies, now: desk.clock.now(), channel: place.channel }
  if (found.strategy === null)
    return { ...base, strategy: null, backups: [], chosen: null, ownName: null, isProtected: false }
  const view = await viewOf(desk, person, found.strategy)
  const backups = await restorable(desk, person, found.strategy)
  const chosen = found.backup
  const known = chosen === null || backups.some(({ id }) => id === chosen.id)
  return {
    ...base,
    strategy: found.strategy,
    backups: known ? backups : [...backups, chosen],
    chosen: chosen?.id ?? null,
    ownName: ownName(view, backups[0]),
    isProtected: view?.protected ?? false,
  }
}

async function viewOf(desk: Desk, person: Person, strategy: string): Promise<StrategyView | null> {
  const reply = await desk.ask({ name: 'status', args: { strategy } }, person)
  return reply.type === 'facts' ? (reply.data as StrategyView) : null
}

/** As whoever restores in place types it: of a file the last part of its path. */
function ownName(view: StrategyView | null, newest: BackupView | undefined): string | null {
  if (view?.endpoint.startsWith('/')) return view.endpoint.slice(view.endpoint.lastIndexOf('/') + 1)
  if (newest?.database !== undefined) return null // that of the backup which is chosen
  return newest?.series ?? null
}

/** @returns the strategies this person may restore. @throws Fault denied when there is none, or the one that was named is not */
async function mayRestore(desk: Desk, person: Person, { strategy: chosen, what }: Wanted): Promise<string[]> {
  const command = commandsFor('slack').find(({ name }) => name === 'restore')
  if (command === undefined) throw new Fault('not-yet', 'restoring is not offered here')
  const { name, role, open } = command
  const act = { command: name, role, open }
  const seen = person.outsider === null ? await strategyNames(desk, person) : []
  const strategy = chosen ?? seen.find((one) => one === what) ?? null
  const answers = await Promise.all(seen.map((one) => desk.gate.may(person, { ...act, strategy: one })))
  const allowed = seen.filter((_, at) => answers[at])
  if (strategy !== null || allowed.length === 0) await desk.gate.allow(person, { ...act, strategy })
  return strategy === null || allowed.includes(strategy) ? allowed : [...allowed, strategy]
}

/** Those that a person may see. */
export async function strategyNames(desk: Desk, person: Person): Promise<string[]> {
  const reply = await desk.ask({ name: 'status', args: {} }, person)
  return reply.type === 'table' ? reply.table.rows.map(({ id }) => id).toSorted() : []
}

/** A word may be a strategy or a backup; `latest` and no word are the newest. */
async function resolve(
  desk: Desk,
  person: Person,
  wanted: Wanted & { strategies: string[] },
): Promise<{ strategy: string | null; backup: BackupView | null }> {
  const { what, strategies } = wanted
  const named = wanted.strategy ?? (what !== undefined && strategies.includes(what) ? what : undefined)
  const backup = wanted.backup ?? (named === what ? undefined : what)
  const strategy = named ?? (strategies.length === 1 ? strategies[0] : undefined)
  if (backup === undefined || backup === 'latest') return { strategy: strategy ?? null, backup: null }
  const reply = await desk.ask({ name: 'show', args: { backup, ...(named && { strategy: named }) } }, person)
  const [found] = reply.type === 'facts' ? backupsIn([reply.data]) : []
  if (found === undefined) throw new Fault('not-found', 'there is no such backup')
  if (found.corrupt !== null)
    throw new Fault('object-corrupt', `this backup is broken: ${found.corrupt}`, {
      hint: 'choose an older one',
    })
  return { strategy: found.strategy, backup: found }
}

/** Newest first, of a whole server database by database; broken ones are never offered. */
export async function restorable(desk: Desk, person: Person, strategy: string): Promise<BackupView[]> {
  const reply = await desk.ask(
    { name: 'list', args: { what: strategy, limit: limits.selectOptions } },
    person,
  )
  return backupsOf(reply)
    .filter(({ corrupt }) => corrupt === null)
    .toSorted((a, b) => compared(a.database, b.database) || b.createdAt - a.createdAt)
}

function compared(a = '', b = ''): number {
  return a < b ? -1 : Number(a > b)
}

function backupsOf(reply: Reply): BackupView[] {
  return reply.type === 'table' ? backupsIn(reply.table.rows.map((row) => row.data)) : []
}

function backupsIn(found: unknown[]): BackupView[] {
  return found.filter(
    (one): one is BackupView => typeof one === 'object' && one !== null && 'id' in one && 'createdAt' in one,
  )
}
