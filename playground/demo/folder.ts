import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The demo's folder with its keeper: a small shell that outlives the demo for a moment, however the demo dies,
 * ends the bot if that is still there, and removes the folder. */
export interface DemoFolder {
  path: string
  /** From now on the keeper ends this process too. */
  guard(pid: number): void
  /** Removes the folder; the bot has ended already. */
  remove(): Promise<void>
}

/** Its standard input ends when the demo does. The last line holds the bot's process id; an empty one means: it is gone. */
const keep = `
bot=
while read -r line; do bot=$line; done
if [ -n "$bot" ] && kill -TERM "$bot" 2>/dev/null; then
  tenths=0
  while kill -0 "$bot" 2>/dev/null && [ $tenths -lt 120 ]; do sleep 0.1; tenths=$((tenths + 1)); done
  kill -KILL "$bot" 2>/dev/null
fi
rm -rf "$1"
`

export async function makeFolder(): Promise<DemoFolder> {
  const path = await mkdtemp(join(tmpdir(), 'easy-backup-demo-'))
  await mkdir(join(path, 'backups'))
  const keeper = spawn('sh', ['-c', keep, 'sh', path], {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // Ctrl-C must not reach it
  })
  keeper.stdin.on('error', () => undefined)
  return {
    path,
    guard: (pid) => void keeper.stdin.write(`${pid}\n`),
    remove: () => release(keeper),
  }
}

async function release(keeper: ChildProcess): Promise<void> {
  const done = new Promise((resolve) => keeper.once('exit', resolve))
  keeper.stdin!.end('\n')
  await done
}
