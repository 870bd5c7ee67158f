import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/faults.ts'
import type { FilterTools } from '../filter.ts'

/** What every call begins with: nobody's own settings and keys, no question to anybody. */
export function always(home: string): string[] {
  return ['gpg', '--homedir', home, '--no-options', '--batch', '--no-tty', '--quiet']
}

export interface Home {
  path: string
  close(): Promise<void>
}

const longestSocket = 107 // bytes of a socket's path on Linux, unix(7)
const closingMs = 10_000

/** An empty home (0700) in the folder of the run. Only for private keys gpg starts an agent there; its environment names the run,
 * so that recovery finds it after a crash, and it ends by itself when its home is gone.
 * @throws Fault tool-missing · disk-full · tool-failed */
export async function openHome({ processes, running, folder }: FilterTools): Promise<Home> {
  if (processes.find('gpg') === null)
    throw new Fault('tool-missing', 'gpg is not installed', { hint: 'install gnupg, or encrypt with age' })
  const path = await mkdtemp(join(folder, 'gpg-'))
  if (Buffer.byteLength(join(path, 'S.gpg-agent.browser')) > longestSocket) {
    await rm(path, { recursive: true, force: true })
    throw new Fault('tool-failed', `gpg cannot work in ${folder}: its path is too long for a socket`, {
      hint: 'set temp_dir to a shorter path',
      retry: false,
    })
  }
  const quiet = { runId: running.runId, said: () => undefined }

  /** The run may have been stopped: ending goes by a signal of its own. */
  async function tell(...request: string[]): Promise<void> {
    const signal = AbortSignal.timeout(closingMs)
    await processes
      .output({ argv: ['gpgconf', '--homedir', path, ...request] }, { ...quiet, signal })
      .catch(() => undefined) // no agent, or none that answers: without its home it ends, too
  }

  async function close(): Promise<void> {
    await tell('--kill', 'gpg-agent')
    await tell('--remove-socketdir') // where the system keeps sockets elsewhere
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  }

  return { path, close }
}
