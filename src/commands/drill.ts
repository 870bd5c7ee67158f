import { Type } from 'typebox'
import { asFault, Fault } from '../core/faults.ts'
import type { RunView } from '../core/model.ts'
import { aboutEach } from './about.ts'
import { defineCommand, type CommandContext } from './command.ts'
import { backupField, selectorField } from './fields.ts'
import type { Reply } from './reply.ts'
import { selectStrategies, some } from './select.ts'

export const drill = defineCommand({
  name: 'drill',
  aliases: [],
  summary: 'Restore a backup for real, compare it, throw the copy away',
  usage: '<strategy | tag:x | all> [backup]',
  role: 'operate',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    strategy: selectorField('whose newest good backup: a strategy, tag:x or all'),
    backup: Type.Optional(backupField('of one strategy: another backup of it')),
  }),
  positional: ['strategy', 'backup'],
  about: aboutEach,
  audited: 'drill',
  async run({ strategy, backup }, context): Promise<Reply> {
    const names = await selectStrategies(context.engine, strategy)
    const asked = backup === undefined || backup === 'latest' ? null : backup
    if (names.length === 1) return startOne(names[0]!, asked, context)
    if (asked !== null)
      throw new Fault('usage', 'a backup is of one strategy', { hint: 'leave it out, or name its strategy' })
    return startMany(names, context)
  },
})

async function startOne(
  strategy: string,
  backup: string | null,
  { engine, actor }: CommandContext,
): Promise<Reply & { type: 'run' }> {
  const { note } = await engine.backup(backup ?? 'latest', strategy)
  return { type: 'run', run: await engine.startDrill(strategy, backup, { trigger: 'person', actor }), note }
}

/** Those that cannot be drilled now are left alone and said. */
async function startMany(names: string[], context: CommandContext): Promise<Reply> {
  const runs: RunView[] = []
  const left: string[] = []
  for (const name of names)
    try {
      runs.push((await startOne(name, null, context)).run)
    } catch (error) {
      const { code, message } = asFault(error)
      if (code !== 'busy' && code !== 'not-found') throw error
      left.push(`${name}: ${message}`)
    }
  if (runs.length === 0)
    throw new Fault('busy', `none of ${names.length} can be drilled now`, { hint: some(left) })
  return { type: 'runs', runs, note: left.length > 0 ? `not drilled: ${some(left)}` : null }
}
