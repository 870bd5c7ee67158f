import { formatBytes, formatCount, formatDuration } from './duration.ts'
import { changeOf, type Oddity } from './usual.ts'

const namedTables = 3

/** What is not as usual, in one line: "71 % smaller than usual (98 MB, usually 341 MB)". Empty when all is. */
export function oddWords(found: readonly Oddity[]): string {
  const tables = found.filter(({ of }) => of === 'table')
  const hidden = tables.slice(namedTables)
  const shown = found.filter((oddity) => !hidden.includes(oddity))
  const more =
    hidden.length > 0 ? [`and ${hidden.length} more ${hidden.length === 1 ? 'table' : 'tables'}`] : []
  return [...shown.map(oddityWords), ...more].join('; ')
}

function oddityWords(oddity: Oddity): string {
  switch (oddity.of) {
    case 'size':
      return compared(oddity, { less: 'smaller', more: 'larger', as: 'large' }, formatBytes)
    case 'rows':
      return compared(oddity, { less: 'fewer rows', more: 'more rows', as: 'many rows' }, (count) =>
        formatCount(Math.round(count)),
      )
    case 'duration':
      return compared(oddity, { less: 'quicker', more: 'longer', as: 'long' }, formatDuration)
    case 'table': {
      const usual = `usually ${formatCount(Math.round(oddity.usual))} rows`
      return oddity.now === null
        ? `table ${oddity.table} is gone (${usual})`
        : `table ${oddity.table} is empty (${usual})`
    }
  }
}

/** Twice as much and more is said in times: nobody reads "+340 %". */
function compared(
  oddity: Exclude<Oddity, { of: 'table' }>,
  words: { less: string; more: string; as: string },
  say: (value: number) => string,
): string {
  const change = changeOf(oddity)
  const values = `(${say(oddity.now)}, usually ${say(oddity.usual)})`
  if (change === null) return `${words.more} than usual ${values}`
  if (change >= 1) {
    const times = change + 1 < 9.95 ? Math.round((change + 1) * 10) / 10 : Math.round(change + 1)
    return `${formatCount(times)} times as ${words.as} as usual ${values}`
  }
  return `${percentOf(change)} % ${change < 0 ? words.less : words.more} than usual ${values}`
}

/** Nothing that is left of something is not all of it. */
function percentOf(change: number): number {
  const percent = Math.round(Math.abs(change) * 100)
  return percent === 100 && change > -1 ? 99 : percent
}
