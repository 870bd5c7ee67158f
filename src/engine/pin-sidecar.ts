import { Fault } from '../core/faults.ts'
import type { Actor, Pin } from '../core/model.ts'

/** The write-once file beside a backup that pins or unpins it; of several the newest `at` counts. */
interface PinSidecar {
  schema: 1
  backup: string
  pinned: boolean
  /** ISO 8601; null = without end, and of an unpin. */
  until: string | null
  note: string | null
  by: Actor
  at: string
}

/** The end of what was unpinned: over, whatever the clock says. */
export const ended = 0

export function sidecarName(at: number, suffix: string): string {
  const stamp = new Date(at).toISOString().replaceAll(/[-:]/g, '').slice(0, 15)
  return `pin-${stamp}Z-${suffix}.json`
}

export function isPinKey(key: string): boolean {
  return /\/pin-[^/]+\.json$/.test(key)
}

export function pinSidecar(backup: string, { until, note, by, at }: Pin): string {
  const pinned = until === null || until > at
  const sidecar: PinSidecar = {
    schema: 1,
    backup,
    pinned,
    until: pinned && until !== null ? new Date(until).toISOString() : null,
    note,
    by,
    at: new Date(at).toISOString(),
  }
  return JSON.stringify(sidecar, null, 2) + '\n'
}

/** @throws Fault object-corrupt when it is not what we write */
export function readPinSidecar(text: string, key: string): { backup: string; pin: Pin } {
  const found = parse(text)
  const at = Date.parse(String(found?.at))
  const until = found?.until == null ? null : Date.parse(found.until)
  const isOurs = found?.schema === 1 && typeof found.backup === 'string' && typeof found.by?.id === 'string'
  if (!isOurs || Number.isNaN(at) || Number.isNaN(until))
    throw new Fault('object-corrupt', `${key} is not a pin`, {
      hint: 'the backup counts as pinned until the file is removed',
    })
  const { backup, pinned, note, by } = found as PinSidecar
  return { backup, pin: { until: pinned ? until : ended, note: note ?? null, by, at } }
}

function parse(text: string): Partial<PinSidecar> | null {
  try {
    return JSON.parse(text) as Partial<PinSidecar> | null
  } catch {
    return null
  }
}
