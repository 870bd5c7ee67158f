import type { Button } from '@slack/types'
import type { DrillResult, DrillVerdict } from '../../core/drill.ts'
import type { RunView } from '../../core/model.ts'
import {
  checkLines,
  checksFact,
  comparedWords,
  consequence,
  drillFact,
  restoreWords,
  verdictWords,
} from '../../commands/drill-words.ts'
import { askPrefix } from '../actions.ts'
import { limits } from '../limits.ts'
import { button, draw } from './elements.ts'
import type { Drawn } from './elements.ts'
import { code, joined, safe, safeLine, sentence } from './words.ts'

/** What could not be told is neither green nor red. */
export const drillSigns: Record<DrillVerdict, string> = { pass: '✅', fail: '❌', inconclusive: '⚪' }

/** Of the card, after the strategy's name. */
export function drillHeadline(drill: DrillResult): string {
  return safeLine(drillFact(drill), limits.headlineText)
}

/** What a verdict means, and what to do. */
export function drillAdvice({ drill, stillGood, fault, endedAt, queuedAt }: RunView): string[] {
  if (!drill || drill.verdict === 'pass') return []
  const { backup } = drill
  const words =
    stillGood === undefined ? fault?.hint : consequence({ backup, stillGood }, endedAt ?? queuedAt)
  return words === undefined || words === null ? [] : [sentence(safeLine(words, 600))]
}

/** The message in the thread when the drill is over: its numbers, each check, and where the evidence lies. */
export function drillResult(drill: DrillResult): Drawn {
  const { verdict, why, evidence, notes = [] } = drill
  const isSaidByCheck = drill.checks.some(({ ok }) => !ok)
  const numbers = [...comparedWords(drill), ...restoreWords(drill), ...checksFact(drill)]
  const headline = verdict === 'pass' ? [equalWords(drill), ...numbers] : [verdictWords[verdict], ...numbers]
  const checks = checkLines(drill)
    .map((line) => safeLine(line, 300))
    .join('\n')
  return draw({
    headline: `${drillSigns[verdict]} ${safeLine(joined(...headline), limits.headlineText)}`,
    lines: [
      why === null || isSaidByCheck ? '' : sentence(safe(why, 600)),
      checks,
      ...notes.slice(0, mostNotes).map((note) => `Note: ${safeLine(note, 400)}`),
    ],
    small: [
      joined(placeOf(drill), `from ${code(drill.backup)}`),
      evidence === null
        ? 'its evidence could not be stored'
        : `evidence in ${safeLine(evidence.storage, 80)}: ${code(evidence.key)}`,
    ],
  })
}

const mostNotes = 5

/** Where it was restored; nothing when it came to none. */
export function placeOf({ server, restoreMs, tables }: DrillResult): string | null {
  return restoreMs === null && tables === null ? null : `in ${safeLine(server, 200)}`
}

function equalWords({ tables, objects }: DrillResult): string {
  return tables === null && objects === null ? 'restored' : 'equal to what was dumped'
}

/** Again with the same backup; of a run that found none, with the newest. */
export function drillAgain({ strategy, backupId, state }: RunView): Button | null {
  const label = state === 'succeeded' ? 'Drill again' : 'Retry'
  return drillButton(label, { strategy, ...(backupId !== null && { backup: backupId }) })
}

export function drillButton(label: string, args: { strategy: string; backup?: string }): Button | null {
  const action = `${askPrefix}drill${args.backup === undefined ? '' : '/backup'}` // each id once in a message
  return button({ label, action, value: { command: 'drill', args } })
}
