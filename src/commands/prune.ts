import { Type } from 'typebox'
import type { Actor } from '../core/model.ts'
import { aboutEach } from './about.ts'
import { defineCommand, type Engine } from './command.ts'
import { selectorField } from './fields.ts'
import { retentionOf, retentionTable } from './retention-explain.ts'
import { selectStrategies } from './select.ts'

export const prune = defineCommand({
  name: 'prune',
  aliases: ['cleanup'],
  summary: 'Delete what retention lets go, once you have seen and confirmed it',
  usage: '[strategy | tag:x] [--dry-run]',
  role: 'admin',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    strategy: Type.Optional(selectorField('only of a strategy, or of tag:x')),
    dryRun: Type.Optional(Type.Boolean({ description: 'show what would go, delete nothing' })),
  }),
  positional: ['strategy'],
  about: aboutEach,
  async run({ strategy, dryRun = false }, { engine, actor }) {
    if (dryRun) {
      const views = await retentionOf(engine, strategy)
      const table = retentionTable(views, { title: 'Would be deleted', only: ({ keep }) => !keep })
      return { type: 'table', table }
    }
    const { requests, notes } = await asked(engine, strategy, actor)
    if (requests.length > 0) return { type: 'questions', requests, notes }
    return {
      type: 'text',
      text: ['retention lets nothing go', ...notes].join('\n'),
      data: { requests, notes },
    }
  },
})

async function asked(
  engine: Engine,
  selector: string | undefined,
  actor: Actor,
): ReturnType<Engine['requestPrune']> {
  if (selector === undefined) return engine.requestPrune(null, actor)
  const all: Awaited<ReturnType<Engine['requestPrune']>> = { requests: [], notes: [] }
  for (const name of await selectStrategies(engine, selector)) {
    const { requests, notes } = await engine.requestPrune(name, actor)
    all.requests.push(...requests)
    all.notes.push(...notes)
  }
  return all
}
