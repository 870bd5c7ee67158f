import { asFault, Fault } from '../core/faults.ts'
import type { VerifyAllResult } from '../core/results.ts'
import { listCopies, type Copy } from '../state/catalogue.ts'
import { saveRead } from '../state/reads.ts'
import { reachable } from './copies.ts'
import { storageOf, type EngineContext } from './context.ts'
import { notOffered } from './not-offered.ts'
import { readCopyAgain } from './reread.ts'
import { condemned, isAboutBackup, verifyCopy } from './verify.ts'
import type { Work, WorkResult } from './work.ts'

const mostNamed = 100

/** Every good copy of every backup of a strategy, the newest first. What is broken is marked; a copy that cannot be read now is not
 * broken, and named. The run fails when something is broken, and is degraded when something could not be read. */
export async function verifyAll(context: EngineContext, work: Work): Promise<WorkResult> {
  const { strategy } = work
  const all = reachable(context, await listCopies(context.database.read, { strategies: [strategy.name] }))
  const good = all.filter(({ corrupt, foreign }) => corrupt === null && !foreign)
  const found: VerifyAllResult = {
    backups: new Set(good.map(({ id }) => id)).size,
    copies: good.length,
    bytes: 0,
    knownBroken: all.filter(({ corrupt }) => corrupt !== null).length,
    broken: [],
    unread: [],
  }
  work.pulse.stage('verify')
  for (const copy of newestFirst(good)) await tryCopy(context, work, { copy, found })
  const { level = 'V1' } = work.run.params
  const verify = { backup: '', level, tables: null, rows: null, all: named(found) }
  return {
    result: { verify },
    ...(await endOf(context, strategy.name, found)),
    commit: async () => undefined,
  }
}

function newestFirst(copies: readonly Copy[]): Copy[] {
  return copies.toSorted((a, b) => b.createdAt - a.createdAt) // of one backup, in the order of the places
}

async function tryCopy(
  context: EngineContext,
  work: Work,
  { copy, found }: { copy: Copy; found: VerifyAllResult },
): Promise<void> {
  const at = { backup: copy.id, storage: copy.storage }
  const before = found.bytes
  try {
    if (work.run.params.level === 'V2') {
      const { undecoded } = await verifyCopy(context, { ...work, copy, level: 'V2' })
      found.bytes += copy.manifest.storedBytes
      if (undecoded !== undefined)
        found.unread.push({ ...at, why: `its digest is right, but it was not decoded: ${undecoded}` })
    } else {
      await readOne(context, work, { copy, found })
      const read = { id: copy.id, storage: copy.storage, at: context.clock.now() }
      await context.database.write((tx) => saveRead(tx, read))
    }
  } catch (error) {
    if (work.signal.aborted) throw error
    const fault = asFault(error)
    context.logs.append(work.run.id, `${copy.id} in ${copy.storage}: ${fault.message}`)
    const isGone =
      (await listCopies(context.database.read, { id: copy.id, storage: copy.storage })).length === 0
    if (isGone) found.bytes = before // retention let it go meanwhile
    else
      (isAboutBackup(fault) ? found.broken : found.unread).push({
        ...at,
        why: context.scrub(fault.message),
      })
  }
}

async function readOne(
  context: EngineContext,
  work: Work,
  { copy, found }: { copy: Copy; found: VerifyAllResult },
): Promise<void> {
  const onBytes = (more: number): void => work.pulse.moved('fetch', (found.bytes += more))
  const storage = storageOf(context, copy.storage)
  try {
    await readCopyAgain(context, { copy, storage, signal: work.signal, onBytes })
  } catch (error) {
    throw work.signal.aborted ? error : await condemned(context, { ...work, copy, error })
  }
}

/** Of many, those that fit a message. */
function named(found: VerifyAllResult): VerifyAllResult {
  const { broken, unread } = found
  return {
    ...found,
    broken: broken.slice(0, mostNamed),
    unread: unread.slice(0, mostNamed),
    ...(broken.length > mostNamed && { moreBroken: broken.length - mostNamed }),
  }
}

async function endOf(
  context: EngineContext,
  strategy: string,
  { broken, unread, copies }: VerifyAllResult,
): Promise<Pick<WorkResult, 'outcome' | 'fault'>> {
  const [first] = broken
  if (first) {
    const [copy] = await listCopies(context.database.read, { id: first.backup })
    const isLost = copy !== undefined && (await isBroken(context, first.backup))
    const hint = isLost
      ? `${first.backup}: ${await notOffered(context.database.read, copy, context.clock.now())}`
      : `another copy of ${first.backup} is good, and restores take that one`
    const text = `${broken.length} of ${copies} copies ${broken.length === 1 ? 'is' : 'are'} broken: ${list(broken)}`
    return { outcome: 'failed', fault: new Fault('object-corrupt', text, { hint }) }
  }
  if (unread.length === 0) return {}
  const text = `${unread.length} of ${copies} copies of ${strategy} could not be read: ${list(unread)}`
  return {
    outcome: 'degraded',
    fault: new Fault('storage-unreachable', text, {
      hint: 'nothing is known against them; verify them again when the place answers',
    }),
  }
}

async function isBroken(context: EngineContext, id: string): Promise<boolean> {
  return (await listCopies(context.database.read, { id })).every(({ corrupt }) => corrupt !== null)
}

const inText = 3

function list(copies: VerifyAllResult['broken']): string {
  const shown = copies.slice(0, inText).map(({ backup, storage, why }) => `${backup} in ${storage} (${why})`)
  const more = copies.length - inText
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
