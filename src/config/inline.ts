/** A value as one line of YAML, as a person would write it. */
export function inline(value: unknown): string {
  return spelled(value, /^[\w./:@$-][\w ./:@${}*=,-]*$/)
}

/** @param plain what needs no quotes here: between brackets that is less */
function spelled(value: unknown, plain: RegExp): string {
  const within = /^[\w./][\w ./:@=-]*$/
  if (Array.isArray(value)) return `[${value.map((item) => spelled(item, within)).join(', ')}]`
  if (typeof value === 'string')
    return plain.test(value) && !likeANumber.test(value) ? value : JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).map(([key, inner]) => `${key}: ${spelled(inner, within)}`)
  return `{ ${entries.join(', ')} }`
}

/** A time, cron or number in the eyes of one YAML reader or another. */
const likeANumber = /^\d[\d:.*\s-]*$/
