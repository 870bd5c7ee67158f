import { splitWords } from '../commands/words.ts'
import { askAndTell } from './answers.ts'
import { openClone, type WantedCopy } from './clone.ts'
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
    const copy = cloneDialogFor(words)
    if (wanted !== null) await openRestore(desk, trigger, { place, wanted })
    else if (copy !== null) await openClone(desk, trigger, { place, wanted: copy })
    else await askAndTell(desk, { words }, place)
  } catch (error) {
    await tellFault(desk, place, error)
  }
}

/** `restore` alone, or with a strategy and a backup, is a dialog; with options it is planned as it was typed. */
function restoreDialogFor(words: string): Wanted | null {
  const [command, what, backup, ...more] = splitWords(words)
  if (command?.toLowerCase() !== 'restore' || more.length > 0 || hasOption([what, backup])) return null
  return backup === undefined ? { what } : { strategy: what, backup }
}

/** So is `clone` with a strategy and a place. */
function cloneDialogFor(words: string): WantedCopy | null {
  const [command, strategy, place, backup, ...more] = splitWords(words)
  if (command?.toLowerCase() !== 'clone' || more.length > 0 || hasOption([strategy, place, backup]))
    return null
  if (strategy === undefined || place === undefined) return null
  return { strategy, place, ...(backup !== undefined && { backup }) }
}

function hasOption(words: readonly (string | undefined)[]): boolean {
  return words.some((word) => word !== undefined && /^[-—–]/u.test(word))
}
