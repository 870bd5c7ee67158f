import { createScrub } from '../core/secret.ts'
import type { Places } from './document.ts'
import { ConfigMistakes, spellMistake, type ConfigMistake } from './mistakes.ts'
import { parent, spellPath, valueAt } from './pointer.ts'
import { shown } from './shown.ts'

interface Finding {
  pointer: string
  offset: number
  wrong: string
  instead: string
}

/** Collects what is wrong (stops the start) and what is doubtful (said, no more); one mistake per place. */
export interface Findings {
  mistake(pointer: string, wrong: string, instead: string): void
  /** The same, shown at the key and not at its value. */
  keyMistake(pointer: string, wrong: string, instead: string): void
  /** The same, shown at any offset in the text. */
  mistakeAt(offset: number, found: { pointer?: string; wrong: string; instead: string }): void
  warning(pointer: string, wrong: string, instead: string): void
  /** What is not built yet is not judged further: forgets, and from now on ignores, every mistake in it. */
  silence(pointer: string): void
  /** Nothing is wrong with this value, nor with anything in it. */
  clean(pointer: string): boolean
  /** @param secrets what no mistake may show
   * @throws ConfigMistakes when there is any
   * @returns the warnings, in file order */
  settle(root: unknown, secrets: Iterable<string>): string[]
}

/** A pointer for what is wrong with the text itself: each spot has its own mistake. */
export function spot(offset: number, pointer = ''): string {
  return `#${offset}${pointer}`
}

/** @param variables  pointer → the environment variable that stands for it, when there is no file to point into */
export function createFindings(
  path: string,
  places: Places,
  variables: ReadonlyMap<string, string> | null = null,
): Findings {
  const mistakes = new Map<string, Finding>()
  const warnings: Finding[] = []
  const silenced = new Set<string>()
  const inSilence = (pointer: string) => silenced.values().some((above) => pointer.startsWith(`${above}/`))
  const add = (found: Finding) => {
    if (!mistakes.has(found.pointer) && !inSilence(found.pointer)) mistakes.set(found.pointer, found)
  }
  const spell = (found: Iterable<Finding>, root: unknown, secrets: Iterable<string>): ConfigMistake[] => {
    const hide = hiding(root, [...secrets])
    return [...found]
      .sort((a, b) => a.offset - b.offset)
      .map((finding) => {
        const { line, col } = places.lines.linePos(finding.offset)
        const where = spellPath(finding.pointer.replace(/^#\d+/, ''), root)
        return {
          file: path,
          line: Math.max(1, line),
          column: Math.max(1, col),
          path: where,
          ...(variables && { variable: variableFor(finding.pointer, variables) ?? where }),
          ...hide(finding),
        }
      })
  }
  return {
    mistake(pointer, wrong, instead) {
      add({ pointer, offset: offsetOf(pointer, places), wrong, instead })
    },
    keyMistake(pointer, wrong, instead) {
      add({ pointer, offset: places.keys.get(pointer) ?? offsetOf(pointer, places), wrong, instead })
    },
    mistakeAt(offset, { pointer = '', wrong, instead }) {
      add({ pointer, offset, wrong, instead })
    },
    warning(pointer, wrong, instead) {
      const isSaid = warnings.some((said) => said.pointer === pointer && said.wrong === wrong)
      if (!isSaid) warnings.push({ pointer, offset: offsetOf(pointer, places), wrong, instead })
    },
    silence(pointer) {
      silenced.add(pointer)
      for (const at of mistakes.keys())
        if (at === pointer || at.startsWith(`${pointer}/`)) mistakes.delete(at)
    },
    clean: (pointer) =>
      mistakes
        .values()
        .every((found) => found.pointer !== pointer && !found.pointer.startsWith(`${pointer}/`)),
    settle(root, secrets) {
      if (mistakes.size > 0) throw new ConfigMistakes(withoutTwins(spell(mistakes.values(), root, secrets)))
      return spell(warnings, root, secrets).map(spellMistake)
    },
  }
}

/** The variable of the value itself, of a group that holds it, or of one within it. */
function variableFor(pointer: string, variables: ReadonlyMap<string, string>): string | undefined {
  for (let at = pointer; at !== ''; at = parent(at)) {
    const own = variables.get(at)
    if (own !== undefined) return own
  }
  return variables.entries().find(([at]) => at.startsWith(`${pointer}/`))?.[1]
}

/** The value's own place; for what is missing, the key of the group that lacks it. */
function offsetOf(pointer: string, places: Places): number {
  const own = places.values.get(pointer)
  if (own) return own.start
  const above = parent(pointer)
  return (
    places.keys.get(above) ??
    places.values.get(above)?.start ??
    (pointer === '' ? 0 : offsetOf(above, places))
  )
}

/** Mistakes are printed and logged: none may quote a secret, nor the part of one that was cut off. Names are what a mistake is about:
 * they stay. */
function hiding(root: unknown, secrets: string[]): (finding: Finding) => Pick<Finding, 'wrong' | 'instead'> {
  const scrub = createScrub(secrets)
  return ({ pointer, wrong, instead }) => {
    const value = valueAt(root, pointer)
    if (typeof value !== 'string' || scrub(value) === value) return { wrong: scrub(wrong), instead }
    const bare = wrong.replaceAll(shown(value), '"***"')
    const isTold = (words: string) =>
      !words.endsWith('…') &&
      !secrets.some((secret) => secret.includes(words)) &&
      (scrub(value).includes(words) || !value.includes(words))
    const quoted = value.includes('"') ? /"(.*)"/gs : /"([^"]*)"/g
    const hidden = bare.replaceAll(quoted, (whole, words: string) => (isTold(words) ? whole : '"***"'))
    return { wrong: scrub(hidden), instead: scrub(instead) }
  }
}

/** A value used twice through an alias is wrong once. */
function withoutTwins(mistakes: ConfigMistake[]): ConfigMistake[] {
  const seen = new Set<string>()
  return mistakes.filter(({ line, column, path, wrong }) => {
    const key = `${line}:${column}:${wrong}:${wrong === 'is missing' ? path : ''}`
    return !seen.has(key) && seen.add(key)
  })
}
