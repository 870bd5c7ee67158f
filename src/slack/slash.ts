import { splitWords } from '../commands/words.ts'
import { askAndTell } from './answers.ts'
import { unescape } from './blocks/words.ts'
import type { Desk } from './desk.ts'
import { tellFault } from './private.ts'
import type { Place } from './private.ts'
import { openRestore } from './restore.ts'
import type { Wanted } from './restore.ts'

/** The one command of the manifest. */
export const slashCommand = '/backup'

export interface Typed {
  /** As Slack sends it: escaped. */
  text: string
  trigger: string
  place: Place
}

/** `/backup …`: everything is answered to the asker alone. */
export async function answerCommand(desk: Desk, { text, trigger, place }: Typed): Promise<void> {
  try {
    const words = unescape(text).trim()
    const wanted = restoreDialogFor(words)
    if (wanted === null) await askAndTell(desk, { words }, place)
    else await openRestore(desk, trigger, { place, wanted })
  } catch (error) {
    await tellFault(desk, place, error)
  }
}

/** `restore` alone, or with a strategy and a backup, is a dialog; with options it is planned as it was typed. */
function restoreDialogFor(words: string): Wanted | null {
  const [command, what, backup, ...more] = splitWords(words)
  if (command?.toLowerCase() !== 'restore' || more.length > 0) return null
  if ([what, backup].some((word) => word?.startsWith('-') || word?.startsWith('—') || word?.startsWith('–')))
    return null
  return backup === undefined ? { what } : { strategy: what, backup }
}
