import { Type } from 'typebox'
import { defineCommand } from './command.ts'
import { backupField, strategyField } from './fields.ts'
import { knownStrategy } from './select.ts'

export const drill = defineCommand({
  name: 'drill',
  aliases: [],
  summary: 'Restore a backup for real, compare it, throw the copy away',
  usage: '<strategy> [backup]',
  role: 'operate',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({
    strategy: strategyField('whose backup'),
    backup: Type.Optional(backupField('a backup of it; default: the newest good one')),
  }),
  positional: ['strategy', 'backup'],
  about: ({ strategy }, engine) => ({ strategies: [knownStrategy(engine, strategy)], subject: null }),
  audited: 'drill',
  async run({ strategy, backup }, { engine, actor }) {
    const asked = backup === undefined || backup === 'latest' ? null : backup
    const { note } = await engine.backup(asked ?? 'latest', strategy)
    return { type: 'run', run: await engine.startDrill(strategy, asked, { trigger: 'person', actor }), note }
  },
})
