import { Fault } from '../core/faults.ts'
import type { StrategyView } from '../core/model.ts'
import type { Engine } from './command.ts'
import { nearest } from '../core/nearest.ts'
import { suggest } from './nearest.ts'
import { onlySeen } from './seen.ts'
import { quoted } from './words.ts'

const tagPrefix = 'tag:'

/** The strategies that a person means by `all`, `tag:x` or a name, in configuration order.
 * @throws Fault not-found */
export async function selectStrategies(engine: Engine, selector: string): Promise<string[]> {
  if (!selector.startsWith(tagPrefix)) {
    if (selector !== 'all' || engine.strategyNames().includes('all')) return [knownStrategy(engine, selector)]
    return engine.strategyNames()
  }
  const strategies = await engine.strategies()
  const tagged = withTag(strategies, selector.slice(tagPrefix.length))
  if (tagged.length > 0) return tagged.map(({ name }) => name)
  const tags = [...new Set(strategies.flatMap((strategy) => strategy.tags))]
  const tag = tagOf(selector)
  const near = nearest(tag, tags)
  const inUse = tags.length > 0 ? `tags in use: ${some(tags)}` : 'no strategy has tags'
  throw new Fault('not-found', `no strategy has the tag ${quoted(tag)}`, {
    hint: near === null ? inUse : `did you mean tag:${near}?`,
  })
}

/** Only those that are meant; without a word, and for `all`, as it is. Nothing of the others is told.
 * @throws Fault not-found */
export async function narrowed(engine: Engine, selector: string | undefined): Promise<Engine> {
  if (selector === undefined) return engine
  const names = await selectStrategies(engine, selector)
  return names.length === engine.strategyNames().length ? engine : onlySeen(engine, names)
}

/** Is one strategy named, and not several together? */
export function isOne(engine: Engine, selector: string): boolean {
  return !isTag(selector) && (selector !== 'all' || engine.strategyNames().includes('all'))
}

export function isTag(selector: string): boolean {
  return selector.startsWith(tagPrefix)
}

export function tagOf(selector: string): string {
  return selector.slice(tagPrefix.length)
}

function withTag(strategies: StrategyView[], tag: string): StrategyView[] {
  return strategies.filter(({ tags }) => tags.includes(tag))
}

/** @throws Fault not-found with the nearest name */
export function knownStrategy(engine: Engine, name: string): string {
  const names = engine.strategyNames()
  if (names.includes(name)) return name
  throw new Fault('not-found', `there is no strategy ${quoted(name)}`, {
    hint: suggest(name, names, `strategies: ${some(names)}`),
  })
}

/** The backup that is meant; a strategy's name stands for its newest.
 * @throws Fault usage · not-found */
export function backupOf(
  engine: Engine,
  word: string,
  strategy: string | undefined,
): { backup: string; strategy: string | null } {
  if (strategy === undefined && engine.strategyNames().includes(word))
    return { backup: 'latest', strategy: word }
  return { backup: word, strategy: strategyOf(engine, word, strategy) }
}

/** Whose backup is meant: the strategy that was named, or the only one there is when `latest` was asked for.
 * null: the backup's id says it.
 * @throws Fault usage · not-found */
export function strategyOf(engine: Engine, backup: string, strategy: string | undefined): string | null {
  if (strategy !== undefined) return knownStrategy(engine, strategy)
  if (backup !== 'latest') return null
  const names = engine.strategyNames()
  if (names.length === 1) return names[0]!
  throw new Fault('usage', 'the latest backup of which strategy?', {
    hint: `name it with --strategy; strategies: ${some(names)}`,
  })
}

/** A list for a hint: the first ten, then how many more. */
export function some(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ')
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown
}

/** What was acted on, in a sentence: the name of one, the number of several. */
export function named(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.length} strategies (${some(names)})`
}
