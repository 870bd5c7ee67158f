/** Durations as the configuration spells them; durations, sizes and counts as people say them. */

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** Largest first: a compound such as `1h30m` names each unit at most once, in this order. */
const units = { w: 7 * day, d: day, h: hour, m: minute, s: second }
const durationPattern = /^(?:(?<w>\d+)w)?(?:(?<d>\d+)d)?(?:(?<h>\d+)h)?(?:(?<m>\d+)m)?(?:(?<s>\d+)s)?$/

/** `90m`, `6h`, `1h30m`: whole numbers with `s m h d w`, where `m` is minutes.
 * @returns milliseconds; null when it is not a duration, or one too long to count exactly */
export function parseDuration(text: string): number | null {
  const amounts = durationPattern.exec(text)?.groups
  if (!amounts || text === '') return null
  const total = Object.entries(units).reduce((sum, [unit, ms]) => sum + Number(amounts[unit] ?? 0) * ms, 0)
  return Number.isSafeInteger(total) ? total : null
}

/** A duration as the configuration spells it, in the largest unit that divides it (`36h`, `10d`, `2w`):
 * parseDuration gives the same number back.
 * @param ms whole seconds */
export function spellDuration(ms: number): string {
  const [unit, size] = Object.entries(units).find(([, size]) => ms >= size && ms % size === 0) ?? [
    's',
    second,
  ]
  return `${ms / size}${unit}`
}

/** "400 ms", "6.2 s", "9 s", "3 min 12 s", "4 h 52 min", "2 d 3 h": two units at most, rounded to the last one shown. */
export function formatDuration(ms: number): string {
  const length = Math.max(0, ms)
  if (length > 0 && Math.round(length) < second) return `${Math.ceil(length)} ms`
  const tenths = roundTo(length, second / 10)
  if (tenths < 10 * second) return `${tenths / second} s`
  const seconds = roundTo(length, second)
  if (seconds < minute) return `${seconds / second} s`
  if (seconds < hour) return inTwo(seconds, { size: minute, name: 'min' }, { size: second, name: 's' })
  const minutes = roundTo(length, minute)
  if (minutes < day) return inTwo(minutes, { size: hour, name: 'h' }, { size: minute, name: 'min' })
  return inTwo(roundTo(length, hour), { size: day, name: 'd' }, { size: hour, name: 'h' })
}

/** "just now" below a minute (and for a time still ahead, when clocks differ), then "5 min ago", "11 h ago", "3 d ago": completed units only. */
export function formatAge(ms: number): string {
  if (ms < minute) return 'just now'
  if (ms < hour) return `${Math.floor(ms / minute)} min ago`
  if (ms < day) return `${Math.floor(ms / hour)} h ago`
  return `${Math.floor(ms / day)} d ago`
}

/** "512 B", "1.2 GB", "341 MB": decimal units as people say them; one decimal below ten. */
export function formatBytes(bytes: number): string {
  const names = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let amount = bytes
  let step = 0
  while (atMostOneDecimal(amount) >= 1000 && step < names.length - 1) {
    amount /= 1000
    step += 1
  }
  return `${atMostOneDecimal(amount)} ${names[step]}`
}

/** "4,812,330" */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

interface Unit {
  size: number
  name: string
}

function inTwo(ms: number, large: Unit, small: Unit): string {
  const rest = (ms % large.size) / small.size
  const head = `${Math.floor(ms / large.size)} ${large.name}`
  return rest === 0 ? head : `${head} ${rest} ${small.name}`
}

function roundTo(ms: number, step: number): number {
  return Math.round(ms / step) * step
}

function atMostOneDecimal(amount: number): number {
  return amount < 9.95 ? Math.round(amount * 10) / 10 : Math.round(amount)
}
