import type { Clock } from '../core/clock.ts'
import type { App, AppDoor, OpenOptions } from './app-contract.ts'
import type { Look } from './render-table.ts'
import type { Terminal } from './terminal.ts'

/** One call of the program: who looks, what was said globally, and the way to everything else. */
export interface Session {
  terminal: Terminal
  /** Loads the composition root; help and mistyped commands never do. */
  door: () => Promise<AppDoor>
  globals: Globals
}

export interface Globals {
  config: string | null
  json: boolean
  verbose: boolean
}

/** Opens the program for one command and closes it, whatever happens. */
export async function withApp<T>(
  { door, globals }: Session,
  opening: Pick<OpenOptions, 'role' | 'bare'>,
  work: (app: App) => Promise<T>,
): Promise<T> {
  const { openApp } = await door()
  const app = await openApp({ configPath: globals.config, ...opening, verbose: globals.verbose })
  try {
    return await work(app)
  } finally {
    await app.close()
  }
}

export function lookOf({ terminal }: Session, clock: Clock): Look {
  return { width: terminal.width, colours: terminal.colours.stdout, now: clock.now() }
}

export function say({ terminal }: Session, text: string): void {
  terminal.stdout.write(`${text}\n`)
}

export function sayJson(session: Session, value: unknown): void {
  say(session, JSON.stringify(value, null, 2))
}

/** Beside the answer: progress, plans before a question, complaints. */
export function remark({ terminal }: Session, text: string): void {
  terminal.stderr.write(`${text}\n`)
}
