import { Type } from 'typebox'
import { aboutRequest } from './about.ts'
import { defineCommand } from './command.ts'
import { decided, mayDecide } from './decide.ts'
import { requestField, versionField } from './fields.ts'

export const confirm = defineCommand({
  name: 'confirm',
  aliases: [],
  summary: 'Confirm a restore or a deletion that was planned',
  usage: '<request> [version]',
  role: 'restore',
  open: false,
  byButton: true,
  faces: ['slack', 'cli'],
  args: Type.Object({
    request: requestField('the request on the card'),
    version: Type.Optional(versionField('the version that was shown; without it the plan is shown first')),
  }),
  positional: ['request', 'version'],
  about: aboutRequest,
  async run({ request, version }, context) {
    const shown = await mayDecide(context, request, 'confirm')
    // Nothing is confirmed unseen: without the version that was shown, show it.
    if (version === undefined) return { type: 'plan', request: shown, dryRun: false }
    return decided(context, await context.engine.confirm(request, version, context.actor))
  },
})
