import { spawn, type ChildProcess } from 'node:child_process'
import { openSync, closeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The launcher that people use too. */
export const launcher = fileURLToPath(new URL('../../bin/easy-backup', import.meta.url))

/** The service as a process of its own. */
export interface Bot {
  pid: number
  /** Settles when it is gone, for whatever reason. */
  gone: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Asks it to stop, and insists after a while. */
  stop(): Promise<void>
}

const patienceMs = 12_000 // running work gets 10 s; then the last words

/** Starts `easy-backup serve`. Ctrl-C reaches only the demo, which then ends the bot in its own order.
 * @param logFile  receives everything it says */
export function startBot(configFile: string, logFile: string): Bot {
  const log = openSync(logFile, 'a')
  const child = spawn(launcher, ['serve', '--config', configFile], {
    stdio: ['ignore', log, log],
    detached: true,
  })
  closeSync(log)
  const gone = ended(child)
  return { pid: child.pid!, gone, stop: () => stop(child, gone) }
}

function ended(child: ChildProcess): Bot['gone'] {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

async function stop(child: ChildProcess, gone: Bot['gone']): Promise<void> {
  child.kill('SIGTERM')
  const insist = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  await gone.catch(() => undefined)
  clearTimeout(insist)
}

/** Uses the command line beside the service, as a person would.
 * @throws Error with what it said */
export function easyBackup(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(launcher, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const said: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => said.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
    child.once('error', reject)
    child.once('close', (code) => {
      const text = Buffer.concat(said).toString().trim()
      if (code === 0) resolve(text)
      else reject(new Error(text))
    })
  })
}
