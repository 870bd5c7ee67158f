import type { Button } from '@slack/types'
import { undoLines, undoWords } from '../../commands/replaced.ts'
import type { RunView, SwapResult, UndoResult } from '../../core/model.ts'
import { askPrefix } from '../actions.ts'
import { button, draw } from './elements.ts'
import type { Drawn } from './elements.ts'
import { signOf } from './run-card.ts'
import { code, safeLine, sentence } from './words.ts'

/** While what was replaced is there. It names the exchange that was seen: a late click undoes nothing else. */
export function undoButton(run: RunView, swap: SwapResult | undefined): Button | null {
  if (!swap || swap.until === null) return null
  const isNew = swap.inPlace === 'new'
  return button({
    label: isNew ? 'Undo…' : 'Redo…',
    action: `${askPrefix}undo`,
    value: { command: 'undo', args: { restore: run.id, version: swap.version } },
    style: 'danger',
    sure: {
      title: isNew ? 'Undo the restore?' : 'Restore it again?',
      text: 'Live sessions are dropped, and the database that is kept takes its name back. What it replaces is kept for the rest of the time.',
      yes: isNew ? 'Undo' : 'Redo',
      no: 'Cancel',
    },
  })
}

export function undoResult(run: RunView, undo: UndoResult): Drawn {
  return draw({
    headline: `${signOf(run)} ${safeLine(undoWords(undo), 400)}`,
    lines: undoLines(undo, run.timezone).map((line) => sentence(safeLine(line))),
    small: [`undo of ${code(undo.of)}`],
  })
}
