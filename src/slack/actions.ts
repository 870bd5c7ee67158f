import { limits } from './limits.ts'

/** Every id that our buttons, inputs and views carry, and what comes back with them. */
export const actions = {
  cancelRun: 'run.cancel',
  retryRun: 'run.retry',
  viewLog: 'run.log',
  restoreBackup: 'backup.restore',
  confirmRequest: 'request.confirm',
  dismissRequest: 'request.dismiss',
  previousPage: 'page.previous',
  nextPage: 'page.next',
  chooseStrategy: 'restore.strategy',
  refreshHome: 'home.refresh',
  runFromHome: 'home.run',
  restoreFromHome: 'home.restore',
} as const

/** Buttons of a Reply: `ask/0`, `ask/1`, … */
export const askPrefix = 'ask/'

export const views = { restore: 'restore.dialog', plain: 'plain' } as const

/** Blocks of the restore dialog that are read back. */
export const inputs = { backup: 'backup', target: 'target', database: 'database', reason: 'reason' } as const

/** What a button carries: an opaque id and a version; everything else is looked up when it is clicked. */
export interface ButtonValue {
  id?: string
  strategy?: string
  version?: number
  /** A list that is being paged: the words that made it, and the wanted page. */
  words?: string
  page?: number
  /** A command with its arguments, as the Reply gave it. */
  command?: string
  args?: Record<string, unknown>
}

/** @returns null when it is longer than a button may carry */
export function packValue(value: ButtonValue): string | null {
  const packed = JSON.stringify(value)
  return packed.length <= limits.button.value ? packed : null
}

/** Whatever arrives; a value that is not ours is an empty one. */
export function unpackValue(packed: string | undefined): ButtonValue {
  try {
    const value: unknown = JSON.parse(packed ?? '{}')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? pick(value) : {}
  } catch {
    return {}
  }
}

function pick(value: object): ButtonValue {
  const { id, strategy, version, words, page, command, args } = value as Record<string, unknown>
  return {
    ...(typeof id === 'string' && { id }),
    ...(typeof strategy === 'string' && { strategy }),
    ...(typeof version === 'number' && { version }),
    ...(typeof words === 'string' && { words }),
    ...(typeof page === 'number' && { page }),
    ...(typeof command === 'string' && { command }),
    ...(typeof args === 'object' && args !== null && { args: args as Record<string, unknown> }),
  }
}
