import type { AuditReport } from '../core/audit.ts'
import { asFault, Fault } from '../core/faults.ts'
import { checkChain, type Head } from '../state/audit-chain.ts'
import { auditFrom, auditHead } from '../state/audit.ts'
import { listCopies } from '../state/catalogue.ts'
import { recall, remember } from '../state/memory.ts'
import type { Storage } from '../storages/storage.ts'
import { bytesSpool } from '../sys/spool.ts'
import type { EngineContext } from './context.ts'
import { requireMarker } from './marker.ts'
import { listAll, readSmall } from './objects.ts'

/** `audit/<installation>/<yyyy-mm-dd>.json`, once a day in each place: how far the audit log went. Whoever changes or cuts the log in the state
 * file cannot change these as well, at the latest where the place lets nobody overwrite. No manifest lies there, so neither the catalogue
 * nor retention ever looks at it. */
interface StoredHead {
  tool: 'easy-backup'
  schema: 1
  installation: string
  /** UTC. */
  day: string
  seq: number
  hash: string
  /** Hash of the first row: one log is told from another by it. */
  first: string
  /** ISO 8601, UTC. */
  storedAt: string
}

const limitMs = 60_000
const againMs = 60 * 60_000

/** Stores today's head in every place that holds backups and has none of today. A place that fails is asked again an hour later. */
export async function storeAuditHeads(context: EngineContext, signal: AbortSignal): Promise<void> {
  const { clock, database, log } = context
  const day = new Date(clock.now()).toISOString().slice(0, 10)
  for (const storage of context.storages.values()) {
    if (await isSettled(context, storage, day)) continue
    const note = (value: string): Promise<void> =>
      database.write((tx) => remember(tx, memoryKey(storage), value))
    try {
      if (await storeHead(context, storage, { day, signal })) await note(day)
    } catch (error) {
      log.warn('the head of the audit log could not be stored', {
        storage: storage.name,
        error: asFault(error).message,
      })
      await note(`again ${clock.now() + againMs}`)
    }
  }
}

const memoryKey = ({ name, location }: Storage): string => `audit-head/${name}/${location}`

/** Stored today, or failed a moment ago. */
async function isSettled(
  { clock, database }: EngineContext,
  storage: Storage,
  day: string,
): Promise<boolean> {
  const noted = (await recall(database.read, memoryKey(storage))) ?? ''
  return noted === day || Number(/^again (\d+)$/.exec(noted)?.[1] ?? 0) > clock.now()
}

/** @returns false when there is nothing to store yet, or nowhere */
async function storeHead(
  context: EngineContext,
  storage: Storage,
  { day, signal }: { day: string; signal: AbortSignal },
): Promise<boolean> {
  const { clock, database, installation } = context
  const head = await auditHead(database.read)
  const [backup] = await listCopies(database.read, { storage: storage.name, limit: 1 })
  const [first] = await auditFrom(database.read, { after: 0, limit: 1 })
  if (!head || !first || !backup) return false
  const limited = AbortSignal.any([signal, AbortSignal.timeout(limitMs)])
  await requireMarker(context, storage, limited) // never into a folder whose disk is away
  const stored: StoredHead = {
    tool: 'easy-backup',
    schema: 1,
    installation,
    day,
    seq: head.seq,
    hash: head.hash,
    first: first.hash,
    storedAt: new Date(clock.now()).toISOString(),
  }
  const bytes = Buffer.from(`${JSON.stringify(stored, null, 2)}\n`)
  await storage
    .put(`${folderOf(installation)}${day}.json`, bytesSpool(bytes), { ifAbsent: true, signal: limited })
    .catch(unlessThere)
  return true
}

const folderOf = (installation: string): string => `audit/${installation}/`

/** The first of a day stays. */
function unlessThere(error: unknown): void {
  if (!(error instanceof Fault && error.code === 'storage-exists')) throw error
}

const verifyLimitMs = 10 * 60_000
const readers = 8 // at a time: a place far away answers after a tenth of a second

/** The whole chain, compared with the heads of all places. A place that cannot be read is a problem, unless its credentials only write. */
export async function verifyAudit(context: EngineContext): Promise<AuditReport> {
  const signal = AbortSignal.timeout(verifyLimitMs)
  const heads: (Head & { day: string })[] = []
  const problems: AuditReport['problems'] = []
  const notes: string[] = []
  for (const storage of context.storages.values())
    try {
      heads.push(...(await headsIn(context, storage, { problems, signal })))
    } catch (error) {
      const { code, message } = asFault(error)
      if (code === 'storage-denied') notes.push(`not compared with ${storage.name}: ${message}`)
      else problems.push({ seq: null, text: `${storage.name} could not be compared: ${message}` })
    }
  const chain = await checkChain(context.database.read, heads)
  if (heads.length === 0)
    notes.push('no head is stored with the backups yet: rows removed at the end would not be seen')
  return {
    rows: chain.rows,
    heads: heads.length,
    newestHead:
      heads
        .map(({ day }) => day)
        .toSorted()
        .at(-1) ?? null,
    problems: [...chain.problems, ...problems],
    notes,
  }
}

async function headsIn(
  context: EngineContext,
  storage: Storage,
  { problems, signal }: Pick<AuditReport, 'problems'> & { signal: AbortSignal },
): Promise<(Head & { day: string })[]> {
  const keys: string[] = []
  for await (const { key } of listAll(storage, folderOf(context.installation), signal))
    if (key.endsWith('.json')) keys.push(key)
  const found: (Head & { day: string })[] = []
  const reader = async (): Promise<void> => {
    for (let key = keys.shift(); key !== undefined; key = keys.shift()) {
      const head = readHead(await readSmall(storage, key, signal), storage)
      if (head) found.push(head)
      else problems.push({ seq: null, text: `${key} in ${storage.name} is not what was written` })
    }
  }
  await Promise.all(Array.from({ length: readers }, reader))
  return found
}

/** @returns null when it is none */
function readHead(text: string, storage: Storage): (Head & { day: string }) | null {
  try {
    const { seq, hash, first, day } = JSON.parse(text) as Partial<StoredHead>
    const isText = [hash, first, day].every((word) => typeof word === 'string')
    if (Number.isInteger(seq) && isText)
      return { seq: seq!, hash: hash!, first: first!, day: day!, from: `${storage.name} on ${day}` }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return null
}
