import { asFault, Fault, faultFacts, withoutSecrets, type FaultFacts } from '../core/faults.ts'
import { manifestName } from '../core/keys.ts'
import type { BackupView, Level, Manifest, Pin } from '../core/model.ts'
import { objectsOf } from '../core/stored-objects.ts'
import { forgetCopy, listCopies, saveCopy, type Copy } from '../state/catalogue.ts'
import { remember } from '../state/memory.ts'
import type { Storage } from '../storages/storage.ts'
import type { EngineContext } from './context.ts'
import { readManifest } from './manifest.ts'
import { readMarker, requireKnown } from './marker.ts'
import { listAll, readSmall } from './objects.ts'
import { refuseMany } from './many.ts'
import { isPinKey, readPinSidecar } from './pin-sidecar.ts'
import { backupView } from './views.ts'
import type { Verdict } from './verdict.ts'

export interface SyncReport {
  storage: string
  found: number
  added: number
  removed: number
  foreign: number
  broken: { key: string; why: string }[]
  /** Why the place could not be read; then nothing of it was changed. null = it was. */
  failed: FaultFacts | null
}

/** Rebuilds the catalogue from every place. One that cannot be read does not spoil the others: what is known of it stays.
 * @throws the first place's fault when none could be read */
export async function syncCatalogue(context: EngineContext): Promise<SyncReport[]> {
  await adoptInstallation(context)
  const reports = await Promise.all(
    [...context.storages.values()].map((storage) =>
      syncStorage(context, storage, AbortSignal.timeout(syncLimitMs)).catch((error: unknown) =>
        unread(storage, withoutSecrets(error, context.scrub)),
      ),
    ),
  )
  const first = reports[0]?.failed
  if (!first || reports.some(({ failed }) => failed === null)) return reports
  throw new Fault(first.code, first.text, first.hint === null ? {} : { hint: first.hint })
}

const syncLimitMs = 60 * 60_000 // a million objects at 300 a second

function unread({ name: storage }: Storage, error: Fault): SyncReport {
  return { storage, found: 0, added: 0, removed: 0, foreign: 0, broken: [], failed: faultFacts(error) }
}

/** With an empty state, the installation that a storage's marker names is taken over: a recovered host is the same installation. */
export async function adoptInstallation(context: EngineContext): Promise<void> {
  const used = await context.database.read
    .selectFrom('backups')
    .select('id')
    .where('is_foreign', '=', 0)
    .limit(1)
    .executeTakeFirst()
  if (used) return
  for (const storage of context.storages.values()) {
    const marker = await readMarker(storage, AbortSignal.timeout(30_000)).catch(() => null) // another place may tell
    if (!marker) continue
    await context.database.write((tx) => remember(tx, installationKey, marker.installation))
    context.installation = marker.installation
    return
  }
}

export const installationKey = 'installation'

/** Rebuilds the catalogue of one storage from what it holds. Needs nothing but the storage. */
export async function syncStorage(
  context: EngineContext,
  storage: Storage,
  signal: AbortSignal,
): Promise<SyncReport> {
  const before = new Set(
    (await listCopies(context.database.read, { storage: storage.name })).map((copy) => copy.id),
  )
  const report: SyncReport = {
    storage: storage.name,
    found: 0,
    added: 0,
    removed: 0,
    foreign: 0,
    broken: [],
    failed: null,
  }
  if (before.size > 0) await requireKnown(storage, signal) // an empty mount point must not empty the catalogue
  const copies = await readCopies(context, storage, report, signal)
  await context.database.write(async (tx) => {
    const known = new Map((await listCopies(tx, { storage: storage.name })).map((copy) => [copy.id, copy]))
    for (const copy of copies) {
      const now = known.get(copy.id)
      const wentMeanwhile = before.has(copy.id) && !now // retention let it go while we read: no ghost (promise 6)
      if (!wentMeanwhile) await saveCopy(tx, withKnown(copy, now))
    }
    const there = new Set(copies.map((copy) => copy.id))
    for (const id of before) if (!there.has(id)) await forgetCopy(tx, id, storage.name)
    report.removed = [...before].filter((id) => !there.has(id)).length
  })
  report.found = copies.length
  report.added = copies.filter((copy) => !before.has(copy.id)).length
  report.foreign = copies.filter((copy) => copy.foreign).length
  return report
}

/** A verdict that could not be written beside its backup holds all the same, until a verification clears it (promise 9). */
function withKnown(copy: Copy, known: Copy | undefined): Copy {
  const isHidden = copy.corrupt === null && known && known.corrupt !== null
  const readAt = Math.max(copy.readAt ?? 0, known?.readAt ?? 0) || null // most reads leave no verdict
  return { ...copy, readAt, ...(isHidden && { level: known.level, corrupt: known.corrupt }) }
}

async function readCopies(
  context: EngineContext,
  storage: Storage,
  report: SyncReport,
  signal: AbortSignal,
): Promise<Copy[]> {
  const folders = new Map<string, string[]>()
  for await (const { key } of listAll(storage, '', signal)) {
    const folder = key.slice(0, key.lastIndexOf('/') + 1)
    folders.set(folder, [...(folders.get(folder) ?? []), key])
  }
  const left = [...folders.values()]
  const copies: Copy[] = []
  const reader = async (): Promise<void> => {
    for (let keys = left.shift(); keys; keys = left.shift())
      copies.push(...(await readCopy(context, storage, { keys, broken: report.broken, signal })))
  }
  await Promise.all(Array.from({ length: readers }, reader))
  return copies
}

const readers = 8 // at a time: a place far away answers after a tenth of a second

interface Reading {
  /** Everything in one folder. */
  keys: string[]
  /** Gets what cannot be read. */
  broken: SyncReport['broken']
  signal: AbortSignal
}

/** The backup in one folder as its manifest, its newest verdict and its newest pin say, or nothing.
 * @throws Fault storage-… when the place does not answer; a broken file is only noted */
export async function readCopy(context: EngineContext, storage: Storage, reading: Reading): Promise<Copy[]> {
  const { keys, broken, signal } = reading
  const manifestKey = keys.find((key) => key.endsWith(`/${manifestName}`))
  if (!manifestKey) return []
  const read = async <T>(key: string, parse: (text: string) => T): Promise<T | null> => {
    try {
      return parse(await readSmall(storage, key, signal))
    } catch (error) {
      if (!(error instanceof SyntaxError) && asFault(error).code !== 'object-corrupt') throw error
      broken.push({ key, why: asFault(error).message })
      return null
    }
  }
  const manifest = await read(manifestKey, (text) => readManifest(text, manifestKey))
  if (!manifest) return []
  let newest: Verdict | null = null
  for (const key of keys.filter((candidate) => candidate.split('/').at(-1)!.startsWith('verdict-'))) {
    const verdict = await read(key, (text) => JSON.parse(text) as Verdict | null)
    if (verdict?.backup === manifest.id && (newest === null || newest.at < verdict.at)) newest = verdict
  }
  let pin: Pin | null = null
  for (const key of keys.filter(isPinKey)) {
    const found = await read(key, (text) => readPinSidecar(text, key))
    if (found?.backup === manifest.id && (pin === null || pin.at < found.pin.at)) pin = found.pin
  }
  const gone = objectsOf(manifest).find(({ key }) => !keys.includes(key))
  const copy = withVerdict({ ...copyOf(context, storage, manifest), pin }, newest)
  return [gone ? { ...copy, level: 'V0', corrupt: `${gone.key} is gone` } : copy]
}

export function copyOf(context: EngineContext, storage: Storage, manifest: Manifest): Copy {
  return {
    id: manifest.id,
    storage: storage.name,
    strategy: manifest.strategy,
    series: manifest.series,
    createdAt: Date.parse(manifest.startedAt),
    level: manifest.level,
    corrupt: null,
    foreign: manifest.installation !== context.installation,
    manifest,
  }
}

/** The newest verdict counts. */
function withVerdict(copy: Copy, verdict: Verdict | null): Copy {
  if (!verdict) return copy
  const level: Level = verdict.ok && verdict.level > copy.level ? verdict.level : copy.level
  return {
    ...copy,
    level: verdict.ok ? level : verdict.level,
    corrupt: verdict.ok ? null : (verdict.why ?? 'a verification failed'),
    readAt: verdict.readAt === undefined ? null : Date.parse(verdict.readAt) || null,
  }
}

export interface FoundBackup {
  view: BackupView
  copies: Copy[]
  /** Why a newer one was passed over when the latest was asked for; null = none was. */
  note: string | null
}

/** Finds one backup by its id, its last four characters, or a strategy's newest: `latest`, or its name.
 * @throws Fault not-found; the hint lists the nearest */
export async function findBackup(
  context: EngineContext,
  id: string,
  strategy: string | null,
): Promise<FoundBackup> {
  const scope = strategy ? { strategies: [strategy] } : {}
  if (id === 'latest') return newest(context, strategy)
  if (context.config.strategies.some(({ name }) => name === id)) return newest(context, id)
  const exact = await listCopies(context.database.read, { ...scope, id })
  if (exact.length > 0) return { view: backupView(context, exact), copies: exact, note: null }
  const bySuffix = /^[a-z0-9]{4}$/.test(id)
    ? Map.groupBy(await listCopies(context.database.read, { ...scope, suffix: id }), (copy) => copy.id)
    : new Map<string, Copy[]>()
  const [only] = [...bySuffix.values()]
  if (only && bySuffix.size === 1) return { view: backupView(context, only), copies: only, note: null }
  if (bySuffix.size > 1)
    throw new Fault('not-found', `${id} is the end of ${bySuffix.size} backups`, {
      hint: `write the whole id: ${[...bySuffix.keys()].slice(0, 5).join(', ')}`,
    })
  throw await notFound(context, id, strategy)
}

async function newest(context: EngineContext, strategy: string | null): Promise<FoundBackup> {
  if (!strategy)
    throw new Fault('usage', '`latest` needs a strategy', {
      hint: 'write for example `restore production-db latest`',
    })
  await refuseMany(context, strategy)
  const all = await listCopies(context.database.read, { strategies: [strategy], limit: 50 })
  const first = all.find(({ corrupt }) => corrupt === null)
  if (!first)
    throw new Fault('not-found', `${strategy} has no good backup${all.length > 0 ? '' : ' yet'}`, {
      hint: `make one: \`run ${strategy}\``,
    })
  const copies = all.filter(({ id }) => id === first.id)
  const isNewest = all[0]!.id === first.id
  const note = isNewest
    ? null
    : `the newest, ${all[0]!.id}, is not offered (${all[0]!.corrupt}); this is the newest good one before it`
  return { view: backupView(context, copies), copies, note }
}

async function notFound(context: EngineContext, id: string, strategy: string | null): Promise<Fault> {
  const copies = await listCopies(context.database.read, {
    ...(strategy ? { strategies: [strategy] } : {}),
    limit: 200,
  })
  const nearest = [...new Set(copies.map((copy) => copy.id))]
    .toSorted((a, b) => commonStart(b, id) - commonStart(a, id))
    .slice(0, 3)
  const hint =
    nearest.length > 0
      ? `the nearest are ${nearest.join(', ')}`
      : 'there is no backup yet; `list` shows what there is'
  return new Fault('not-found', `there is no backup ${id.slice(0, 100)}`, { hint })
}

function commonStart(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return length
}
