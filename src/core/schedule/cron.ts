import { Cron, CronPattern } from 'croner'
import type { Mistake, ScheduleSpec } from '../schedule.ts'
import type { WallGrid } from './grid.ts'

type CronSpec = Extract<ScheduleSpec, { type: 'cron' }>

/** Any date will do: what is asked of a pattern is whether it ever happens, and how often at most. */
const sampleStart = Date.UTC(2024, 0, 1) - 1
/** A pattern repeats its hours within days and its days within months: its shortest gap shows early. */
const sampleLength = 100

const nicknames: Record<string, { expression: string; text: string }> = {
  '@hourly': { expression: '0 * * * *', text: 'hourly' },
  '@daily': { expression: '0 0 * * *', text: 'daily at 00:00' },
  '@weekly': { expression: '0 0 * * 0', text: 'Sundays at 00:00' },
  '@monthly': { expression: '0 0 1 * *', text: 'on the 1st of the month at 00:00' },
}

const fields = [
  { name: 'minute', takes: '0-59' },
  { name: 'hour', takes: '0-23' },
  { name: 'day of month', takes: '1-31 or L (the last)' },
  { name: 'month', takes: '1-12 or jan-dec' },
  { name: 'day of week', takes: '0-7 (0 and 7 are Sunday) or sun-sat' },
]

/** Reads five cron fields or a nickname. */
export function parseCron(text: string): Pick<CronSpec, 'expression' | 'text'> | Mistake {
  if (text.startsWith('@')) return nicknames[text] ?? unknownNickname(text)
  const parts = text.split(/\s+/)
  if (parts.length !== fields.length) return wrongCount(text, parts)
  const bad = parts.findIndex(
    (part, index) => !isPattern(fields.map((_, at) => (at === index ? part : '*')).join(' ')),
  )
  if (bad >= 0) return badField(text, parts[bad]!, fields[bad]!)
  const expression = parts.join(' ')
  if (cronGrid(expression).next(sampleStart) === null) return neverHappens(expression)
  return { expression, text: `cron ${expression}` }
}

/** The wall times of a cron expression: croner is given UTC, where no clock changes, and the rules for changing clocks
 * are ours alone. The hourly rule holds for patterns that run in every hour of their days. */
export function cronGrid(expression: string): WallGrid {
  const cron = new Cron(expression, { mode: '5-part', utcOffset: 0 })
  return {
    next: (after) => cron.nextRun(new Date(after))?.getTime() ?? null,
    last: (atOrBefore) => cron.previousRuns(1, new Date(atOrBefore + 1))[0]?.getTime() ?? null,
    repeats: new CronPattern(expression, undefined, { mode: '5-part' }).hour.every(Boolean),
  }
}

/** The shortest time between two runs of a cron expression, in ms. */
export function shortestGap(expression: string): number {
  const grid = cronGrid(expression)
  let shortest = Infinity
  let from = grid.next(sampleStart)
  for (let count = 0; from !== null && count < sampleLength; count += 1) {
    const to = grid.next(from)
    if (to !== null) shortest = Math.min(shortest, to - from)
    from = to
  }
  return shortest
}

function isPattern(expression: string): boolean {
  try {
    new CronPattern(expression, undefined, { mode: '5-part' })
    return true
  } catch {
    return false
  }
}

function unknownNickname(text: string): Mistake {
  return {
    mistake: `unknown nickname "${text}"`,
    hint: `write ${Object.keys(nicknames).join(', ')}, or five cron fields`,
  }
}

function wrongCount(text: string, parts: string[]): Mistake {
  const mistake = `cron has five fields, "${text}" has ${parts.length}`
  if (parts.length === 6) return { mistake, hint: `leave out the seconds: "${parts.slice(1).join(' ')}"` }
  return { mistake, hint: `write ${fields.map((field) => field.name).join(', ')}, such as "30 2 * * *"` }
}

function badField(text: string, part: string, field: { name: string; takes: string }): Mistake {
  return {
    mistake: `the ${field.name} "${part}" of cron "${text}" is wrong`,
    hint: `write ${field.takes}, a range such as 1-5, a list such as 1,3, or a step such as */2`,
  }
}

function neverHappens(expression: string): Mistake {
  return { mistake: `cron "${expression}" never happens`, hint: 'write a day that its month has' }
}
