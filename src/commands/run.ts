import { Type } from 'typebox'
import { Fault } from '../core/faults.ts'
import { mostApart } from '../core/messages.ts'
import type { RunView } from '../core/model.ts'
import { aboutSelected } from './about.ts'
import { defineCommand, type CommandContext } from './command.ts'
import { lineField, selectorField } from './fields.ts'
import type { Reply } from './reply.ts'
import { selectStrategies, some } from './select.ts'

export const run = defineCommand({
  name: 'run',
  aliases: ['backup'],
  summary: 'Back up now',
  usage: '<strategy | tag:x | all> [--database NAME] [--pin NOTE] [--retry]',
  role: 'operate',
  open: true,
  faces: ['slack', 'cli'],
  args: Type.Object({
    what: selectorField('what to back up: a strategy, tag:x or all'),
    pin: Type.Optional(
      lineField('note of one line', 'pin the backup when it succeeds, with this note', { maxLength: 200 }),
    ),
    database: Type.Optional(
      lineField('database name', 'of a strategy with `databases`: only this one', { maxLength: 255 }),
    ),
    retry: Type.Optional(
      Type.Boolean({
        description: 'send the dump that no place took, when it is kept, instead of dumping again',
      }),
    ),
  }),
  positional: ['what'],
  about: aboutSelected,
  audited: 'run',
  async run({ what, ...how }, context): Promise<Reply> {
    const names = await selectStrategies(context.engine, what)
    if (names.length === 1) return { type: 'run', run: await start(names[0]!, context, how), note: null }
    if (how.database !== undefined)
      throw new Fault('usage', '--database needs one strategy', {
        hint: 'name it: `run <strategy> --database NAME`',
      })
    return startMany(names, context, how)
  },
})

interface How {
  together?: string
  database?: string
  pin?: string
  retry?: boolean
}

function start(
  strategy: string,
  { engine, actor }: CommandContext,
  { retry, ...how }: How,
): Promise<RunView> {
  return engine.startBackup(strategy, { trigger: retry ? 'retry' : 'person', actor, ...how })
}

/** Those that already run are left alone and said; when all do, that is the answer. */
async function startMany(names: string[], context: CommandContext, how: How): Promise<Reply> {
  const runs: RunView[] = []
  const busy: string[] = []
  const together = `${context.clock.now()}-${context.actor.id}`
  for (const name of names) {
    try {
      runs.push(await start(name, context, { ...how, ...(names.length > mostApart && { together }) }))
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'busy') throw error
      busy.push(name)
    }
  }
  if (runs.length === 0) throw new Fault('busy', `all ${names.length} are already queued or running`)
  return { type: 'runs', runs, note: busy.length > 0 ? `already queued or running: ${some(busy)}` : null }
}
