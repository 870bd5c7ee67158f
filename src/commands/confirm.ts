import { Type } from 'typebox'
import { defineCommand } from './command.ts'
import { mayDecide } from './decide.ts'
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
  async run({ request, version }, { engine, gate, person, actor }) {
    await mayDecide({ engine, gate, person }, request)
    // Nothing is confirmed unseen: without the version that was shown, show it.
    if (version === undefined) return { type: 'plan', request: await engine.request(request), dryRun: false }
    const confirmed = await engine.confirm(request, version, actor)
    if (confirmed.run === null) return { type: 'plan', request: confirmed, dryRun: false }
    return { type: 'run', run: await engine.run(confirmed.run), note: null }
  },
})
