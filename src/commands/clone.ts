import { Type } from 'typebox'
import { namePattern } from '../core/keys.ts'
import type { RestoreAsk } from '../engine/facade.ts'
import { defineCommand } from './command.ts'
import { backupField, lineField, reasonField, strategyField } from './fields.ts'
import { ofDatabase } from './restore.ts'
import { knownStrategy } from './select.ts'

export const clone = defineCommand({
  name: 'clone',
  aliases: [],
  summary: 'Copy a backup into another database that the configuration names; it starts when you confirm',
  usage: '<strategy> <place> [backup | latest] [--database NAME] [--dry-run] [--reason TEXT]',
  role: 'restore',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    strategy: strategyField('whose backup'),
    place: Type.String({
      pattern: namePattern,
      title: 'name of a place',
      description: 'where to, as `clones` of the strategy names it',
    }),
    backup: Type.Optional(backupField('a backup of that strategy; else its newest good one')),
    database: Type.Optional(
      lineField('database name', 'of a whole server, the database that was backed up', { maxLength: 255 }),
    ),
    typed: Type.Optional(lineField('name', 'the name of what is overwritten, once more', { maxLength: 255 })),
    dryRun: Type.Optional(Type.Boolean({ description: 'show the plan, change nothing' })),
    reason: Type.Optional(reasonField('why, kept with the request')),
  }),
  positional: ['strategy', 'place', 'backup'],
  about: ({ strategy }, engine) => ({ strategies: [knownStrategy(engine, strategy)], subject: null }),
  async run({ strategy, place, backup = 'latest', database, ...given }, { engine, actor }) {
    const chosen = { strategy, backup }
    const ask: RestoreAsk = {
      strategy,
      backup: database === undefined ? backup : await ofDatabase(chosen, database, engine),
      clone: place,
      targetDb: null,
      targetUrl: null,
      noOwner: true, // the place has its own roles
      reason: given.reason ?? null,
      ...(given.typed === undefined ? {} : { typed: given.typed }),
    }
    if (given.dryRun) return { type: 'plan', request: await engine.planRestore(ask, actor), dryRun: true }
    return { type: 'plan', request: await engine.requestRestore(ask, actor), dryRun: false }
  },
})
