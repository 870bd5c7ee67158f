import { writeFile } from 'node:fs/promises'
import { plural } from '../commands/phrases.ts'
import type { Config } from '../core/config.ts'
import { Fault } from '../core/faults.ts'
import { say, sayJson, withApp, type Session } from './session.ts'

/** Commands of the host alone: they start the service or work on the file, and ask nothing of the engine. */

const usualFile = './easy-backup.yml'

export function serve(session: Session): Promise<number> {
  return withApp(session, { role: 'serve' }, async (app) => {
    const stop = new AbortController()
    const release = session.terminal.onInterrupt(() => {
      if (stop.signal.aborted) session.terminal.exit(130)
      stop.abort(new Fault('interrupted', 'the service was asked to stop'))
    })
    try {
      await app.serve(stop.signal)
      return 0
    } finally {
      release()
    }
  })
}

/** Writes the starter file, never over one that is there. */
export async function init(session: Session): Promise<number> {
  const path = session.globals.config ?? usualFile
  const { starterFile } = await session.door()
  try {
    // Readable by its owner alone: people write passwords into it, whatever the comments say.
    await writeFile(path, await starterFile(), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    throw cannotWrite(path, error as NodeJS.ErrnoException)
  }
  if (session.globals.json) sayJson(session, { file: path })
  else say(session, `wrote ${path}\n${nextSteps(path)}`)
  return 0
}

function nextSteps(path: string): string {
  const named = path === usualFile ? '' : ` --config ${path}`
  return `next:
  1. edit it: the database, and the folder for backups (mkdir -p backups)
  2. put DB_PASSWORD=… into .env beside it, and nothing secret into the file
  3. easy-backup doctor${named}   # tries the database, the places and Slack
  4. easy-backup run${named}      # a first backup, now
  5. easy-backup serve${named}    # then by its schedule`
}

export async function checkConfig(session: Session): Promise<number> {
  const { readConfig } = await session.door()
  const config = await readConfig({ configPath: session.globals.config })
  const strategies = config.strategies.map(({ name }) => name)
  const storages = config.storages.map(({ name }) => name)
  if (session.globals.json) {
    const { file, warnings } = config
    sayJson(session, { ok: true, file, strategies, storages, encrypted: tested(config), warnings })
    return 0
  }
  say(session, `OK: ${config.file}`)
  say(session, `  ${count(strategies, 'strategy')}, ${count(storages, 'place')}`)
  for (const name of tested(config))
    say(session, `  ${name} is encrypted: its first backup waits for \`easy-backup decrypt-test ${name}\``)
  for (const warning of config.warnings) say(session, `warning: ${warning}`)
  return 0
}

export async function printConfig(session: Session): Promise<number> {
  const { readConfig, redactedYaml } = await session.door()
  const config = await readConfig({ configPath: session.globals.config })
  if (session.globals.json) sayJson(session, config.redacted)
  else say(session, (await redactedYaml(config)).trimEnd())
  return 0
}

/** Those whose keys somebody has to try once. Whether it was done only the state knows: `doctor` says it. */
function tested({ strategies }: Config): string[] {
  const asked = strategies.filter(({ encryption }) => encryption && !encryption.waiveDecryptTest)
  return asked.map(({ name }) => name)
}

function count(names: string[], noun: string): string {
  return plural(names.length, noun) + (names.length > 0 ? ` (${names.join(', ')})` : '')
}

function cannotWrite(path: string, error: NodeJS.ErrnoException): Fault {
  if (error.code === 'EEXIST')
    return new Fault('usage', `${path} is there already; init never writes over a file`, {
      hint: 'choose another with --config, or move it away',
    })
  return new Fault('disk-failed', `cannot write ${path}: ${error.message}`, { cause: error })
}
