import type { Copy } from '../../state/catalogue.ts'
import type { Mark } from '../verdict.ts'
import type { Judgement } from './judge.ts'

/** What a verdict changes about the copies of its backup: all of them are the same bytes, by the digest in their manifest. Only what
 * was restored whole raises a level or clears a mark.
 * @param about.from  the place that was read; null: none could be */
export function marksOf(
  { why, discreet, shows }: Judgement,
  { copies, from }: { copies: readonly Copy[]; from: string | null },
): { copy: Copy; verdict: Mark }[] {
  if (shows === 'bad')
    return copies
      .filter((copy) => copy.corrupt === null || isMarkedByDrill(copy))
      .map((copy) => ({
        copy,
        verdict: { level: heldLevel(copy), corrupt: said(copy, { why, discreet }) },
      }))
  if (shows === 'unreadable')
    return copies
      .filter((copy) => copy.storage === from && copy.corrupt === null)
      .map((copy) => ({ copy, verdict: { level: 'V0', corrupt: said(copy, { why, discreet }) } }))
  if (shows === 'nothing') return []
  return copies
    .filter((copy) => copy.storage === from || isMarkedByDrill(copy))
    .map((copy) => ({
      copy,
      verdict: { level: copy.storage === from ? 'V3' : copy.level, corrupt: null },
    }))
}

/** A failed drill leaves the level that still holds; what a verification found broken has none. Only a drill that passes clears it. */
export function isMarkedByDrill({ corrupt, level }: Pick<Copy, 'corrupt' | 'level'>): boolean {
  return corrupt !== null && level !== 'V0'
}

function heldLevel({ level }: Copy): Copy['level'] {
  if (level === 'V0') return 'V1' // its digest was compared just now
  return level === 'V3' ? 'V2' : level
}

/** Beside an encrypted backup nothing names its tables. */
function said({ manifest }: Copy, { why, discreet }: Pick<Judgement, 'why' | 'discreet'>): string {
  return `a drill failed: ${(manifest.encryption ? discreet : why) ?? 'no reason is known'}`
}
