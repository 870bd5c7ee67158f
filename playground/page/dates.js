/** Times as Slack says them, in the time zone of the browser. */

export const dateOf = (ts) => new Date(Number(ts) * 1000)

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' })
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })

export const clockTime = (date) => clockFormat.format(date)
export const fullTime = (date) => fullFormat.format(date)
export const dayKey = (date) => `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`

function nearDay(date) {
  const today = new Date()
  const days = Math.round(
    (new Date(date).setHours(0, 0, 0, 0) - new Date(today).setHours(0, 0, 0, 0)) / 86_400_000,
  )
  return { 0: 'today', '-1': 'yesterday', 1: 'tomorrow' }[days]
}

const format = (options) => (date) => new Intl.DateTimeFormat('en-US', options).format(date)
const named = {
  date_long: format({ weekday: 'long', month: 'long', day: 'numeric', year: 'numeric' }),
  date_long_full: format({ month: 'long', day: 'numeric', year: 'numeric' }),
  date: format({ month: 'long', day: 'numeric' }),
  date_short: format({ month: 'short', day: 'numeric', year: 'numeric' }),
  date_slash: format({ day: '2-digit', month: '2-digit', year: 'numeric' }),
  time: clockTime,
  time_secs: (date) => new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' }).format(date),
  ago,
}

export function dayName(date) {
  const near = nearDay(date)
  return near === undefined
    ? format({ weekday: 'long', month: 'long', day: 'numeric' })(date)
    : near[0].toUpperCase() + near.slice(1)
}

export function ago(date) {
  const seconds = Math.round((Date.now() - date.getTime()) / 1000)
  const steps = [
    [60, 'second', 1],
    [3600, 'minute', 60],
    [86_400, 'hour', 3600],
    [Infinity, 'day', 86_400],
  ]
  const [, unit, size] = steps.find(([limit]) => Math.abs(seconds) < limit)
  if (unit === 'second') return 'just now'
  return new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(-Math.round(seconds / size), unit)
}

/** `{date_short_pretty} at {time}` and the like, as in `<!date^…>` and rich text. */
export function formatDate(timestamp, pattern) {
  const date = new Date(timestamp * 1000)
  return pattern.replace(/\{(\w+)\}/g, (whole, token) => {
    if (token === 'date_num')
      return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`
    if (token === 'day_divider_pretty') return dayName(date)
    if (token.endsWith('_pretty'))
      return nearDay(date) ?? named[token.replace('_pretty', '')]?.(date) ?? whole
    return named[token]?.(date) ?? whole
  })
}
