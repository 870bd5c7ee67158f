import { link, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { asFault, Fault } from '../../core/faults.ts'
import type { Cloning, SourceContext } from '../source.ts'
import { synced } from './restore.ts'
import { identityOf } from './swap.ts'
import { work } from './worker.ts'

/** Names are paths. */
export function cloning(context: SourceContext): Cloning {
  return {
    identify: (path) => identityOf(path),
    called,
    server: async () => 'file', // of this machine
    async sanitize(file, paths, signal) {
      const changed: number[] = []
      for (const script of paths)
        changed.push(
          await work<number>(
            { do: 'change', file, script },
            { context, otherwise: 'sanitize-failed' },
            signal,
          ).catch((error: unknown) => {
            const { code, message } = asFault(error)
            if (code !== 'sanitize-failed') throw error
            throw new Fault(code, `${basename(script)}: ${message}`, { cause: error })
          }),
        )
      // what was changed lies in free pages until the file is written anew
      await work<null>({ do: 'compact', file }, { context, otherwise: 'sanitize-failed' }, signal)
      await synced(file)
      return changed
    },
    name: rename,
  }
}

async function called(id: string, path: string): Promise<string | null> {
  if ((await identityOf(path)) === id) return path
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    const other = join(dirname(path), name)
    if ((await identityOf(other)) === id) return other
  }
  return null
}

/** Unlike a rename, a link never replaces what somebody put there meanwhile. */
async function rename(from: { name: string; id: string }, to: string): Promise<void> {
  if ((await identityOf(from.name)) !== from.id)
    throw new Fault('stale', `${from.name} is another file than before`, { hint: 'nothing was changed' })
  await link(from.name, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new Fault('target-exists', `${to} exists now`, { cause: error })
    throw new Fault('restore-failed', `the copy could not be named ${to}: ${error.message}`, {
      cause: error,
    })
  })
  await rm(from.name)
  await synced(dirname(to))
}
