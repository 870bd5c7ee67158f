import { Type } from 'typebox'
import { defineCommand } from './command.ts'
import { mayDecide } from './decide.ts'
import { requestField, versionField } from './fields.ts'

export const dismiss = defineCommand({
  name: 'dismiss',
  aliases: [],
  summary: 'Drop a planned restore or deletion; nothing was changed',
  usage: '<request>',
  role: 'restore',
  open: false,
  byButton: true,
  faces: ['slack', 'cli'],
  args: Type.Object({
    request: requestField('the request on the card'),
    version: Type.Optional(versionField('the version that was shown')),
  }),
  positional: ['request', 'version'],
  async run({ request, version }, { engine, gate, person, actor }) {
    await mayDecide({ engine, gate, person }, request)
    const shown = version ?? (await engine.request(request)).version
    return { type: 'plan', request: await engine.dismiss(request, shown, actor), dryRun: false }
  },
})
