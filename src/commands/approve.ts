import { Type } from 'typebox'
import { aboutRequest } from './about.ts'
import { defineCommand } from './command.ts'
import { decided, mayDecide } from './decide.ts'
import { requestField, versionField, reasonField } from './fields.ts'

export const approve = defineCommand({
  name: 'approve',
  aliases: [],
  summary: 'Be the second person: let what was requested be done',
  usage: '<request> [--reason TEXT]',
  role: 'approve',
  open: false,
  byButton: true,
  faces: ['slack', 'cli'],
  args: Type.Object({
    request: requestField('the request on the card; `requests` lists them'),
    version: Type.Optional(versionField('the version that was shown')),
    reason: Type.Optional(reasonField('why, kept with the request')),
  }),
  positional: ['request'],
  about: aboutRequest,
  async run({ request, version, reason }, context) {
    const shown = await mayDecide(context, request, 'approve')
    const by = { actor: context.actor, version: version ?? shown.version, reason: reason ?? null }
    return decided(context, await context.engine.approve(request, by))
  },
})
