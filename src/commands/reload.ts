import { Type } from 'typebox'
import { asFault, Fault } from '../core/faults.ts'
import { defineCommand, type CommandContext } from './command.ts'
import { plural } from './phrases.ts'

const mostShown = 5 // mistakes that Slack shows

export const reload = defineCommand({
  name: 'reload',
  aliases: [],
  summary: 'Load the configuration again, all or nothing; running work is not disturbed',
  usage: '',
  role: 'admin',
  open: false,
  faces: ['slack', 'cli'],
  args: Type.Object({}),
  positional: [],
  audited: 'reload',
  async run(_args, context) {
    const changes = await context.engine
      .reload(context.actor)
      .catch((error: unknown) => Promise.reject(refused(error, context)))
    const { changed, weakened, needsRestart } = changes
    const lines = [...changed, ...weakened, ...needsRestart.map((name) => `needs a restart: ${name}`)]
    const text = ['the configuration was loaded again', ...(lines.length > 0 ? lines : ['nothing changed'])]
    return { type: 'text', text: text.join('\n  '), data: changes }
  },
})

/** On the host every mistake is shown; Slack shows the first ones. */
function refused(error: unknown, { actor }: CommandContext): Fault {
  const fault = asFault(error)
  if (fault.code !== 'config-invalid') return fault
  const kept = 'nothing was changed: the service goes on with the configuration it has'
  if (actor.via !== 'slack') return new Fault(fault.code, fault.message, { hint: kept })
  const mistakes = fault.message.split('\n')
  const more = mistakes.length - mostShown
  return new Fault(
    fault.code,
    [`the file has ${plural(mistakes.length, 'mistake')}`, ...mistakes.slice(0, mostShown)].join('\n'),
    { hint: more > 0 ? `${more} more; \`easy-backup config check\` on the host lists all. ${kept}` : kept },
  )
}
