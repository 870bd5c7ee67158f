import type { DrillCheckResult, DrillResult } from '../core/drill.ts'
import { formatCount, formatDuration } from '../core/duration.ts'
import type { RunView } from '../core/model.ts'

/** "restored and compared in 3 min 12 s", "a backup failed its drill: …", "a drill could not tell: …"
 * @param isLost  the backup is not offered any more */
export function drillTitle({ verdict, why, restoreMs }: DrillResult, isLost: boolean): string {
  if (verdict === 'pass')
    return `restored and compared${restoreMs === null ? '' : ` in ${formatDuration(restoreMs)}`}`
  const fact = {
    fail: isLost ? 'a backup failed its drill' : 'a drill failed',
    inconclusive: 'a drill could not tell',
  }[verdict]
  return why === null ? fact : `${fact}: ${why}`
}

/** What a person or a machine wants to know of it. */
export function drillFacts({ stillGood }: RunView, drill: DrillResult): [string, string | null][] {
  const { verdict, server, tables, rows, objects, checks, restoreMs, previousMs, evidence } = drill
  const counted = tables === null ? null : `${formatCount(tables)} tables`
  return [
    ['Verdict', verdict],
    ['Restored in', server],
    ['Compared', counted && `${counted}${rows === null ? '' : `, ${formatCount(rows)} rows`}`],
    ['Kinds of objects', objects === null ? null : formatCount(objects)],
    ...checks.map((check): [string, string] => [`Check ${check.name}`, checkWords(check)]),
    ['Restore time', restoreMs === null ? null : formatDuration(restoreMs)],
    ['Before', previousMs === null ? null : formatDuration(previousMs)],
    ['Newest good backup', stillGood === undefined ? null : (stillGood?.id ?? 'none')],
    ['Evidence', evidence && `${evidence.storage}: ${evidence.key}`],
  ]
}

function checkWords({ ok, found, expected }: DrillCheckResult): string {
  const fact = found === null ? 'could not be asked' : `${ok ? 'holds' : 'does not hold'}: ${found}`
  return `${fact} (expected ${expected})`
}
