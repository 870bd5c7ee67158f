import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort } from '../../playground/servers/free-port.ts'

/** The real program in a folder of its own, started by its launcher as a person would. */
export interface Bot {
  folder: string
  configPath: string
  storageDir: string
  tempDir: string
  stateDir: string
  /** Everything the service logged so far goes here. */
  logPath: string
  healthUrl: string
  /** Starts `serve` and waits until it is ready. */
  start(): Promise<void>
  /** Starts `serve` and does not wait. */
  launch(): void
  ready(): Promise<void>
  alive(): boolean
  /** Ends the service and waits until it is gone. */
  end(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<number | null>
  pid(): number
  /** Any other command; resolves with what it said. */
  command(...words: string[]): Promise<{ code: number | null; stdout: string; stderr: string }>
  remove(): Promise<void>
}

const launcher = resolve(import.meta.dirname, '../../bin/easy-backup')

export interface BotSettings {
  /** YAML lines of `global`, indented by two. */
  global?: string
  /** YAML lines of `strategies`. */
  strategies: string
  /** Further storages beside `disk`, as YAML in flow style. */
  storages?: string
  /** For the service and for commands. */
  environment?: Record<string, string>
  /** For the service alone. */
  serviceEnvironment?: Record<string, string>
  /** A program and its arguments that start the service, e.g. `prlimit --nofile=40`. */
  prefix?: readonly string[]
}

export async function makeBot(settings: BotSettings): Promise<Bot> {
  const folder = await mkdtemp(join(tmpdir(), 'eb-bot-'))
  const port = await freePort()
  const [configPath, storageDir, tempDir, stateDir, logPath] = [
    'easy-backup.yml',
    'storage',
    'temp',
    'state',
    'bot.log',
  ].map((name) => join(folder, name)) as [string, string, string, string, string]
  mkdirSync(storageDir)
  const text = `global:
  state_dir: ${stateDir}
  temp_dir: ${tempDir}
  storages: { disk: { type: local, path: ${storageDir} }${settings.storages ? `, ${settings.storages}` : ''} }
  monitoring: { health_check: { port: ${port} } }
${settings.global ?? ''}
strategies:
${settings.strategies}
`
  writeFileSync(configPath, text)
  const environment = { ...process.env, ...settings.environment }
  let service: ChildProcess | null = null

  function launch(): void {
    const [program, ...rest] = [...(settings.prefix ?? []), launcher, 'serve', '--config', configPath]
    service = spawn(program!, rest, {
      env: { ...environment, ...settings.serviceEnvironment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const log = createWriteStream(logPath, { flags: 'a' })
    service.stdout!.pipe(log, { end: false })
    service.stderr!.pipe(log, { end: false })
  }

  const alive = (): boolean => service !== null && service.exitCode === null && service.signalCode === null

  async function ready(): Promise<void> {
    await until(async () => {
      if (!alive())
        throw new Error(`the service ended at its start with ${service?.exitCode}: ${lastWords(logPath)}`)
      return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok
    }, 'the service is ready')
  }

  async function start(): Promise<void> {
    launch()
    await ready()
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const ending = service
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return null
    const gone = new Promise<number | null>((done) => ending.once('exit', done))
    ending.kill(signal)
    service = null
    return gone
  }

  async function command(
    ...words: string[]
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn(launcher, [...words, '--config', configPath], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
    return new Promise((done) => child.once('close', (code) => done({ code, ...said })))
  }

  return {
    folder,
    configPath,
    storageDir,
    tempDir,
    stateDir,
    logPath,
    healthUrl: `http://127.0.0.1:${port}/health`,
    start,
    launch,
    ready,
    alive,
    end,
    command,
    pid: () => service?.pid ?? -1,
    remove: async () => {
      await end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const lastWords = (path: string): string => readFileSync(path, 'utf8').slice(-1_000)

/** Real processes are waited for by looking, not by a fixed time. */
export async function until(
  condition: () => Promise<boolean> | boolean,
  what: string,
  timeoutMs = 60_000,
): Promise<void> {
  const begun = Date.now()
  for (let last: unknown = null; ;) {
    try {
      if (await condition()) return
    } catch (error) {
      last = error
      if (/ended at its start/.test(String(error))) throw error
    }
    if (Date.now() - begun > timeoutMs)
      throw new Error(`waited ${timeoutMs} ms in vain until ${what}`, { cause: last })
    await new Promise((next) => setTimeout(next, 50))
  }
}
