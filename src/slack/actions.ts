import { limits } from './limits.ts'

/** Every id that our buttons, inputs and views carry, and what comes back with them. */
export const actions = {
  cancelRun: 'run.cancel',
  retryRun: 'run.retry',
  viewLog: 'run.log',
  restoreBackup: 'backup.restore',
  confirmRequest: 'request.confirm',
  dismissRequest: 'request.dismiss',
  approveRequest: 'request.approve',
  rejectRequest: 'request.reject',
  reviewRequest: 'request.review',
  previousPage: 'page.previous',
  nextPage: 'page.next',
  chooseStrategy: 'restore.strategy',
  refreshHome: 'home.refresh',
  runFromHome: 'home.run',
  restoreFromHome: 'home.restore',
  cancelFromHome: 'home.cancel',
  drillFromHome: 'home.drill',
  shareList: 'page.share',
  chooseRun: 'message.run',
  acknowledge: 'incident.acknowledge',
  snooze: 'incident.snooze',
} as const

/** How long an incident may sleep, and what its menu says. */
export const snoozes = {
  '1h': '1 hour',
  '4h': '4 hours',
  '24h': '24 hours',
  'next-run': 'until the next run',
} as const

/** What an option of that menu carries: 75 characters at most. */
export function snoozeValue({ id, acts, length }: { id: string; acts: number; length: string }): string {
  return `${length}/${acts}/${id}`
}

/** @returns null when it is not one of ours */
export function readSnooze(value: string | null): { id: string; acts: number; length: string } | null {
  const [length = '', acts = '', id = ''] = (value ?? '').split('/')
  return length in snoozes && /^\d+$/.test(acts) && id !== '' ? { id, acts: Number(acts), length } : null
}

/** Buttons of a Reply: `ask/0`, `ask/1`, … */
export const askPrefix = 'ask/'

export const views = {
  restore: 'restore.dialog',
  reject: 'request.reject',
  run: 'run.dialog',
  clone: 'clone.dialog',
  plain: 'plain',
} as const

/** Callback ids of the shortcuts in the manifest. */
export const shortcuts = { run: 'shortcut.run', message: 'shortcut.message' } as const

/** Blocks of the restore dialog that are read back. */
export const inputs = {
  backup: 'backup',
  target: 'target',
  database: 'database',
  typed: 'typed',
  reason: 'reason',
} as const

/** Blocks of the dialog that runs a backup. */
export const runInputs = { strategy: 'run.strategy', note: 'run.note' } as const

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
