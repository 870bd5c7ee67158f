import { createHash } from 'node:crypto'
import { Fault } from './faults.ts'

/** Names of strategies and storages: they become folders and words people type (promise 15). */
export const namePattern = '^[a-z0-9][a-z0-9_-]{0,62}$'

const suffixAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** `<strategy>-<yyyymmddThhmmssZ>-<4 of a–z0–9>`: sorts by time within a strategy.
 * @param random uniform in [0, 1), called four times */
export function backupId(strategy: string, at: number, random: () => number): string {
  return `${strategy}-${stamp(at)}-${suffix(random)}`
}

/** What people type for a backup: its last four characters. */
export function shortId(id: string): string {
  return id.slice(-4)
}

const idPattern = /^(?<strategy>[a-z0-9][a-z0-9_-]{0,62})-(?<stamp>\d{8}T\d{6}Z)-(?<suffix>[a-z0-9]{4})$/

export function parseBackupId(id: string): { strategy: string; at: number } | null {
  const groups = idPattern.exec(id)?.groups
  if (!groups) return null
  const s = groups.stamp!
  const iso = `${s.slice(0, 4)}-${s.slice(4, 6)}-${s.slice(6, 8)}T${s.slice(9, 11)}:${s.slice(11, 13)}:${s.slice(13, 15)}Z`
  const at = Date.parse(iso)
  return Number.isNaN(at) ? null : { strategy: groups.strategy!, at }
}

/** Folder of one backup: `<strategy>/[<series>/]<yyyy>/<mm>/<backup-id>/`, ending in '/'. */
export function backupFolder(id: string, series: { name: string; sole: boolean }): string {
  const parsed = parseBackupId(id)
  if (!parsed) throw new Fault('internal', `not a backup id: ${id}`)
  const month = new Date(parsed.at).toISOString().slice(0, 7).replace('-', '/')
  const middle = series.sole ? '' : `${safeSegment(series.name)}/`
  return `${parsed.strategy}/${middle}${month}/${id}/`
}

export const manifestName = 'manifest.json'
/** At the root of each storage: the installation that owns it. */
export const markerKey = 'easy-backup.json'

const longestKeyBytes = 512 // S3 allows 1024; this leaves room for a base path

/** Refuses a storage key that is not relative, '/'-separated, 1–512 bytes of [A-Za-z0-9._/-], or that has an empty, '.' or '..'
 * segment (promise 15). Every storage asks this before anything else.
 * @throws Fault usage */
export function checkKey(key: string): void {
  const segments = key.split('/')
  const wellFormed = /^[A-Za-z0-9._/-]+$/.test(key) && key.length <= longestKeyBytes
  if (wellFormed && segments.every((segment) => !['', '.', '..'].includes(segment))) return
  throw new Fault('usage', `not a storage key: ${JSON.stringify(key.slice(0, 100))}`)
}

/** Whether a name could be a key of ours: any other in a place is somebody else's. */
export function isKey(name: string): boolean {
  try {
    checkKey(name)
    return true
  } catch {
    return false
  }
}

/** Refuses what cannot begin a key, as a listing takes it: '' for all, or cut anywhere.
 * @throws Fault usage */
export function checkPrefix(prefix: string): void {
  if (prefix === '') return
  checkKey(prefix.endsWith('/') ? `${prefix}-` : prefix.replace(/(^|\/)\.{1,2}$/, '$1-'))
}

/** A database's name as one path segment of a storage key: only [A-Za-z0-9._-], distinct names stay distinct. A long
 * one is cut, and the digest of the whole name tells it from others. */
export function safeSegment(name: string): string {
  const escaped = [...Buffer.from(name)]
    .map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : `_${byte.toString(16).padStart(2, '0')}`))
    .join('')
  const segment = escaped.startsWith('.') ? `_2e${escaped.slice(1)}` : escaped
  if (segment.length <= longestSegmentBytes) return segment
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 32)
  return `${segment.slice(0, longestSegmentBytes - digest.length - 2)}_-${digest}` // `_-`: of no name that is not cut
}

const longestSegmentBytes = 200 // file systems take 255; a key has a strategy, an id and a file beside it

function isPlain(byte: number): boolean {
  return (
    (byte >= 48 && byte <= 57) ||
    (byte >= 65 && byte <= 90) ||
    (byte >= 97 && byte <= 122) ||
    byte === 45 ||
    byte === 46
  )
}

function stamp(at: number): string {
  return new Date(at).toISOString().replaceAll(/[-:]/g, '').slice(0, 15) + 'Z'
}

/** Four of a–z0–9: 1.7 million, enough beside a second-precise time. */
export function suffix(random: () => number): string {
  return Array.from({ length: 4 }, () => suffixAlphabet[Math.floor(random() * suffixAlphabet.length)]).join(
    '',
  )
}
