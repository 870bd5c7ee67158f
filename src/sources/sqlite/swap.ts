import { lstat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { asFault, Fault } from '../../core/faults.ts'
import type { SourceContext, Swap, SwapNames, Swapping, TargetPlan, TargetRequest } from '../source.ts'
import { removeFile } from './companions.ts'
import type { ExchangeTask } from './exchange.ts'
import { openBlockers, readTarget, realFile } from './target.ts'
import { databaseOf, usualExtension } from './url.ts'
import type { Look } from './work.ts'
import { work } from './worker.ts'

/** Of a file: two restores into one exclude each other by their lease, for there is no server to ask. */
export function swapping(context: SourceContext): Swapping {
  return {
    alone: (_name, _signal, make) => make(),
    identify: async (names) => ({
      ...names,
      oldId: await mustBe(names.name),
      newId: await mustBe(names.beside),
    }),
    exchange: (swap, _how, signal) => exchange(context, swap, signal),
    standing: async ({ name, oldId, newId }) => {
      const id = await identityOf(name)
      return id === oldId ? 'old' : id === newId ? 'new' : 'neither'
    },
    remove,
  }
}

/** Sessions cannot be ended, only found: `force` changes nothing. */
async function exchange(context: SourceContext, swap: Swap, signal: AbortSignal) {
  signal.throwIfAborted()
  const { name: file, beside, kept } = swap
  if ((await mustBe(file)) !== swap.oldId || (await mustBe(beside)) !== swap.newId)
    throw new Fault('stale', `${file} or ${beside} is another file than before`, {
      hint: 'nothing was changed',
    })
  const begun = context.clock.monotonic()
  await putInPlace(context, { file, beside, kept })
  return { sessions: 0, downMs: Math.round(context.clock.monotonic() - begun) }
}

/** @throws Fault database-locked · restore-failed; nothing was changed then */
export async function putInPlace(context: SourceContext, names: ExchangeTask): Promise<void> {
  try {
    const task = { do: 'exchange', ...names } as const
    await work<null>(task, { context, otherwise: 'restore-failed' }, new AbortController().signal)
  } catch (error) {
    const { code } = asFault(error)
    if (code !== 'database-locked') throw error
    throw new Fault(code, `${names.file} is open in another process`, {
      hint: 'nothing was changed; stop the application first: a file cannot be taken away from it',
      cause: error,
    })
  }
}

/** What survives a rename, and is another when somebody makes a new file of the same name. A link is nothing that was restored. */
export async function identityOf(path: string): Promise<string | null> {
  const found = await lstat(path, { bigint: true }).catch(() => null)
  return found?.isFile() ? `${found.dev}/${found.ino}/${found.birthtimeNs}` : null
}

/** However it is written. */
export async function marksOf(path: string): Promise<string[]> {
  const id = await identityOf(await realFile(path))
  return id === null ? [] : [id]
}

async function mustBe(path: string): Promise<string> {
  const id = await identityOf(path)
  if (id !== null) return id
  throw new Fault('target-invalid', `${path} is not there any more, or no file`)
}

/** A restore gives its file a name only when it is whole; the time in the name is its mark. */
async function remove({ name, id }: { name: string; id: string | null }) {
  const found = await identityOf(name)
  if (found === null) return (await isThere(name)) ? ('foreign' as const) : ('absent' as const)
  const isOurs = id === null ? /_restore_\d{8}_\d{6}(\.\w+)?$/.test(name) : found === id
  if (!isOurs) return 'foreign' as const
  await removeFile(name)
  return 'removed' as const
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

/** What a restore in place of this file would meet; of a link, of the file that it leads to. */
export async function planInPlace(
  { live, context }: { live: string; context: SourceContext },
  { stamp, inPlace, tables }: TargetRequest,
  signal: AbortSignal,
): Promise<TargetPlan> {
  const file = await realFile(live)
  const swap = namesFor(file, stamp)
  const { fingerprint, exists, sizeBytes } = await readTarget(file, true)
  const beside = await readTarget(swap.beside, true)
  const found = exists
    ? await work<Look>(
        { do: 'look', file, sql: inPlace?.freshnessSql ?? null },
        { context, otherwise: 'target-invalid' },
        signal,
      )
    : { openers: [], newest: null }
  const missing = exists ? [] : [`${file} is not there: restore beside, with --target-db ${basename(file)}`]
  return {
    mode: 'in-place',
    name: file,
    endpoint: dirname(file),
    fingerprint,
    exists,
    empty: !exists,
    sizeBytes,
    sessions: null,
    serverVersion: process.versions.sqlite ?? null,
    missingRoles: [],
    warnings: [],
    blockers: [
      ...missing,
      ...beside.blockers,
      ...(tables?.length ? ['single tables are not restored in place: the others would be gone'] : []),
      ...openBlockers(file, found),
    ],
    swap,
    newest: found.newest,
  }
}

function namesFor(file: string, stamp: string): SwapNames {
  const extension = usualExtension(file)
  const named = (role: string): string =>
    join(dirname(file), `${databaseOf(file).slice(0, 150)}_${role}_${stamp}${extension || '.db'}`)
  return { name: file, beside: named('restore'), kept: named('before') }
}
