import { spawn, type ChildProcess } from 'node:child_process'
import { chown, mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findAccount, isRoot, type Account } from '../../src/sys/accounts.ts'

/** Whom a server runs as that refuses root: the first of these accounts that there is; null = as we do. */
export function ownerOf(...names: string[]): Account | null {
  return isRoot() ? findAccount(names) : null
}

export async function give(path: string, owner: Account | null): Promise<void> {
  if (owner) await chown(path, owner.uid, owner.gid)
}

/** A new folder for a server and its files. */
export async function makeFolder(prefix: string, owner: Account | null): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix))
  await give(folder, owner)
  return folder
}

export interface Launch {
  argv: readonly string[]
  /** Its words go into the file `log` there. */
  folder: string
  owner: Account | null
  /** Lines of the shell that end it; they know `$server` and `$folder`. */
  ending: string
}

/** A server that ends when this process does, however that dies: the shell above it sees its standard input end. */
export function launch({ argv, folder, owner, ending }: Launch): ChildProcess {
  const watch = `
folder=$1; shift
"$@" >>"$folder/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
${ending}`
  const watcher = spawn('sh', ['-c', watch, 'sh', folder, ...argv], {
    ...owner,
    cwd: folder,
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.unref()
  ;(watcher.stdin as unknown as { unref(): void }).unref()
  return watcher
}

export const endAndRemove = (signal: 'KILL' | 'QUIT'): string =>
  `kill -${signal} $server 2>/dev/null; wait $server; rm -rf "$folder"`

const readyAttempts = 600
const readyPauseMs = 50

/** @param asks  rejects until the server answers */
export async function untilReady(
  { watcher, folder }: { watcher: ChildProcess; folder: string },
  asks: () => Promise<unknown>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return void (await asks())
    } catch (error) {
      if (attempt === readyAttempts) {
        const log = await readFile(join(folder, 'log'), 'utf8')
        await stop(watcher)
        throw new Error(`the server did not start: ${log}`, { cause: error })
      }
      await new Promise((resolve) => setTimeout(resolve, readyPauseMs))
    }
  }
}

export async function stop(watcher: ChildProcess): Promise<void> {
  if (watcher.exitCode !== null) return
  const ended = new Promise((resolve) => watcher.once('exit', resolve))
  watcher.ref()
  watcher.stdin!.end()
  await ended
}
