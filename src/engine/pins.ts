import { parseDuration } from '../core/duration.ts'
import { asFault, Fault } from '../core/faults.ts'
import { suffix } from '../core/keys.ts'
import type { Actor, BackupView, Pin, UnpinRequestView } from '../core/model.ts'
import { firstInstant } from '../core/schedule/zone.ts'
import { audit } from '../state/audit.ts'
import type { Copy } from '../state/catalogue.ts'
import { listCopies } from '../state/catalogue.ts'
import type { Write } from '../state/database.ts'
import { findPin, oweSidecar, owedSidecars, savePin, settleSidecar, type OwedSidecar } from '../state/pins.ts'
import type { Storage } from '../storages/storage.ts'
import { bytesSpool } from '../sys/spool.ts'
import { findBackup } from './catalogue.ts'
import type { EngineContext } from './context.ts'
import type { PinAsk } from './facade.ts'
import { folderOf } from './folder-of.ts'
import { ended, pinSidecar, sidecarName } from './pin-sidecar.ts'
import { askToUnpin } from './requests/unpin.ts'

/** What became of a pin or unpin: it counts from now on, wherever its sidecar could not be written yet. */
export interface Pinned {
  view: BackupView
  /** Places that do not have the sidecar yet, each with why; tried again by itself. */
  missing: { storage: string; why: string }[]
  /** It waits for a second person; nothing was changed. */
  request?: UnpinRequestView | null
}

/** Keeps a backup from retention: in our state at once, then as a sidecar in every place that holds it.
 * @throws Fault not-found · usage */
export async function pinBackup(context: EngineContext, ask: PinAsk, actor: Actor): Promise<Pinned> {
  const { view, copies } = await ownBackup(context, ask)
  const until = ask.until === null ? null : instantOf(context, ask.until, view.strategy)
  await context.database.write((tx) => writePin(context, tx, copies, { until, note: ask.note, by: actor }))
  return settled(context, view.id)
}

/** Lets retention decide again; of a protected strategy once a second person agreed.
 * @throws Fault not-found · usage when it is not pinned */
export async function unpinBackup(
  context: EngineContext,
  ask: { backup: string; strategy: string | null; reason?: string | null },
  actor: Actor,
): Promise<Pinned> {
  const { view, copies } = await ownBackup(context, ask)
  if (view.pin === null) throw new Fault('usage', `${view.id} is not pinned`, { hint: 'nothing was changed' })
  const { id: backup, strategy, createdAt, pin } = view
  const reason = ask.reason ?? null
  const request = await askToUnpin(context, { backup, strategy, createdAt, pin }, { actor, reason })
  if (request) return { view, missing: [], request }
  await context.database.write(async (tx) => {
    const row = { actor, act: 'unpin', strategy, subject: backup, planDigest: null, reason, link: null }
    await audit(tx, { ...row, result: 'done', detail: null }, context.clock.now())
    await writePin(context, tx, copies, { until: ended, note: null, by: actor })
  })
  return settled(context, view.id)
}

/** Notes a pin and what is owed to the places, in the caller's transaction: after a crash they agree (product §3).
 * @param copies  of one backup, one per place that holds it */
export async function writePin(
  context: EngineContext,
  tx: Write,
  copies: readonly Pick<Copy, 'id' | 'storage'>[],
  wanted: Omit<Pin, 'at'>,
): Promise<void> {
  const [first] = copies
  if (!first) return
  const known = await findPin(tx, first.id)
  const at = Math.max(context.clock.now(), (known?.at ?? 0) + 1) // the newest counts, also when the clock went back
  const pin: Pin = { until: wanted.until, note: wanted.note, by: wanted.by, at }
  await savePin(tx, first.id, pin)
  await oweSidecar(tx, {
    backup: first.id,
    name: sidecarName(
      at,
      suffix(() => context.clock.random()),
    ),
    text: pinSidecar(first.id, pin),
    storages: copies.map(({ storage }) => storage),
  })
}

/** Writes what is still owed beside backups. What fails stays owed.
 * @returns what is missing, and why */
export async function settlePins(
  context: EngineContext,
  signal: AbortSignal,
): Promise<(Pinned['missing'][number] & { backup: string })[]> {
  const missing: (Pinned['missing'][number] & { backup: string })[] = []
  for (const owed of await owedSidecars(context.database.read))
    for (const storage of owed.storages) {
      const why = await settleOne(context, { owed, storage }, signal)
      if (why !== null) missing.push({ backup: owed.backup, storage, why })
    }
  return missing
}

async function settleOne(
  context: EngineContext,
  { owed, storage: name }: { owed: OwedSidecar; storage: string },
  signal: AbortSignal,
): Promise<string | null> {
  const [copy] = await listCopies(context.database.read, { id: owed.backup, storage: name })
  const storage = context.storages.get(name)
  try {
    if (copy && storage) await putSidecar(storage, folderOf(copy) + owed.name, { text: owed.text, signal })
    await context.database.write((tx) => settleSidecar(tx, owed, name))
    return null
  } catch (error) {
    signal.throwIfAborted()
    const why = asFault(error).message
    context.log.warn('a pin is not yet beside its backup', { backup: owed.backup, storage: name, error: why })
    return why
  }
}

async function putSidecar(
  storage: Storage,
  key: string,
  { text, signal }: { text: string; signal: AbortSignal },
): Promise<void> {
  await storage
    .put(key, bytesSpool(Buffer.from(text)), { ifAbsent: true, signal })
    .catch((error: unknown) => {
      if (asFault(error).code !== 'storage-exists') throw error // written before a crash, not noted
    })
}

async function settled(context: EngineContext, backup: string): Promise<Pinned> {
  const missing = await settlePins(context, AbortSignal.timeout(60_000))
  const { view } = await findBackup(context, backup, null)
  return { view, missing: missing.filter((one) => one.backup === backup) }
}

async function ownBackup(
  context: EngineContext,
  { backup, strategy }: { backup: string; strategy: string | null },
): Promise<{ view: BackupView; copies: Copy[] }> {
  const found = await findBackup(context, backup, strategy)
  if (found.view.foreign)
    throw new Fault('usage', `${found.view.id} belongs to another installation, which decides about it`, {
      hint: 'it is never deleted from here',
    })
  return found
}

/** `30d` from now; a date is its start in the strategy's zone.
 * @throws Fault usage */
function instantOf(context: EngineContext, typed: string, strategy: string): number {
  const now = context.clock.now()
  const ms = parseDuration(typed)
  const zone = context.config.strategies.find(({ name }) => name === strategy)?.timezone ?? 'UTC'
  const wall = /^\d{4}-\d{2}-\d{2}$/.test(typed) ? Date.parse(`${typed}T00:00:00Z`) : NaN
  const at = ms === null ? (Number.isNaN(wall) ? NaN : firstInstant(zone, wall)) : now + ms
  const hint = 'write --until 30d or --until 2027-01-01, or leave it out for no end'
  if (Number.isNaN(at))
    throw new Fault('usage', `${typed.slice(0, 40)} is neither a duration nor a date`, { hint })
  if (at <= now) throw new Fault('usage', `${typed.slice(0, 40)} is not in the future`, { hint })
  return at
}
