import { pino, type Logger } from 'pino'
import type { Log, LogFacts, LogLevel } from '../core/log.ts'
import type { Scrub } from '../core/secret.ts'

export interface LogSettings {
  level: LogLevel
  scrub: Scrub
  /** Where whole lines go, each with its line feed: standard output, standard error, a file. */
  destination: { write(line: string): unknown }
  /** Lines for a person at a terminal instead of JSON. */
  pretty: boolean
}

export interface AdjustableLog extends Log {
  /** From now on, here and in what is made by `with` from now on. */
  setLevel(level: LogLevel): void
}

/** The log of a process: one JSON object per line, or one readable line. Text and every fact are scrubbed first (promise 14). */
export function createLog({ level, scrub, destination, pretty }: LogSettings): AdjustableLog {
  const logger = pino(
    {
      level,
      base: null, // pid and host name are added by whoever collects lines
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pretty
      ? { write: (line: string) => void destination.write(readable(line)) }
      : { write: (line: string) => void destination.write(line) },
  )
  return { ...wrap(logger, scrub), setLevel: (next) => void (logger.level = next) }
}

function wrap(logger: Logger, scrub: Scrub): Log {
  const at =
    (level: LogLevel) =>
    (text: string, facts: LogFacts = {}): void =>
      logger[level](scrubbed(facts, scrub), scrub(text))
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (facts) => wrap(logger.child(scrubbed(facts, scrub)), scrub),
  }
}

const ownFields = ['level', 'time', 'msg'] // a fact of such a name would hide the line's own

function scrubbed(facts: LogFacts, scrub: Scrub): LogFacts {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      ownFields.includes(name) ? `${name}_` : name,
      typeof value === 'string' ? scrub(value) : value,
    ]),
  )
}

/** `06:00:12 warn  text  strategy=shop bytes=12` */
function readable(line: string): string {
  const { level, time, msg, ...facts } = JSON.parse(line) as Record<string, unknown>
  const shown = Object.entries(facts).map(([name, value]) => `${name}=${shownValue(value)}`)
  const text = [String(msg), ...shown].join('  ')
  return `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${printable(text)}\n`
}

function shownValue(value: unknown): string {
  return typeof value === 'string' && /[\s"=]/.test(value) ? JSON.stringify(value) : String(value)
}

/** Words of tools and databases must not steer a terminal (promise 15). */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ')
}
