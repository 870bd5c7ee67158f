import { Type } from 'typebox'
import { aboutRequest } from './about.ts'
import { defineCommand } from './command.ts'
import { mayDecide } from './decide.ts'
import { requestField, versionField, reasonField } from './fields.ts'
import { summaryOf } from './request-words.ts'

export const reject = defineCommand({
  name: 'reject',
  aliases: [],
  summary: 'Say no to what was requested; whoever asked is told why',
  usage: '<request> --reason TEXT',
  role: 'approve',
  open: false,
  byButton: true,
  faces: ['slack', 'cli'],
  args: Type.Object({
    request: requestField('the request on the card; `requests` lists them'),
    version: Type.Optional(versionField('the version that was shown')),
    reason: reasonField('why, told to whoever asked'),
  }),
  positional: ['request'],
  about: aboutRequest,
  async run({ request, version, reason }, context) {
    const shown = await mayDecide(context, request, 'reject')
    const by = { actor: context.actor, version: version ?? shown.version, reason }
    const now = await context.engine.reject(request, by)
    return { type: 'text', text: summaryOf(now), data: now }
  },
})
