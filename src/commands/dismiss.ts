import { Type } from 'typebox'
import { aboutRequest } from './about.ts'
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
  about: aboutRequest,
  async run({ request, version }, context) {
    const { engine, actor } = context
    // their own they may always withdraw; whose it is, is asked when it is done
    const { kind, ...asked } = await engine.request(request)
    if (kind !== 'restore') await mayDecide(context, request, 'dismiss')
    const now = await engine.dismiss(request, version ?? asked.version, actor)
    return { type: 'plan', request: now, dryRun: false }
  },
})
