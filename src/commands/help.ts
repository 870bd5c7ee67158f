import { Type } from 'typebox'
import type { StrategyView } from '../core/model.ts'
import { optionsOf } from './arguments.ts'
import { attentionTo, needsAttention, stateOf } from './attention.ts'
import { defineCommand, type CommandDefinition, type CommandContext } from './command.ts'
import { lineField } from './fields.ts'
import { suggest } from './nearest.ts'
import { plural, worstFirst } from './phrases.ts'
import { text, type Fact, type Reply } from './reply.ts'
import { some } from './select.ts'
import { Fault } from '../core/faults.ts'
import { quoted } from './words.ts'

const mostShown = 8

export const help = defineCommand({
  name: 'help',
  aliases: [],
  summary: 'Everything that can be asked; or one command with its options',
  usage: '[command]',
  role: 'view',
  open: true,
  faces: ['slack'],
  args: Type.Object({
    command: Type.Optional(lineField('command', 'one command in detail', { maxLength: 60 })),
  }),
  positional: ['command'],
  run: async ({ command }, context) =>
    command === undefined ? attentionFirst(context) : explain(command, context),
})

/** What needs attention, worst first and each with its reason; then these commands. */
export async function attentionFirst(
  { engine, commands }: CommandContext,
  shown: readonly CommandDefinition[] = commands,
): Promise<Reply> {
  const strategies = await engine.strategies()
  const bad = strategies.filter(needsAttention).toSorted((a, b) => rank(a) - rank(b))
  const more =
    bad.length > mostShown
      ? [{ label: 'and', cell: text(`${bad.length - mostShown} more; see \`status\``) }]
      : []
  return {
    type: 'facts',
    title:
      bad.length === 0
        ? `${plural(strategies.length, 'strategy')}, nothing needs attention`
        : `${bad.length} of ${plural(strategies.length, 'strategy')} need${bad.length === 1 ? 's' : ''} attention`,
    facts: [...bad.slice(0, mostShown).map(attentionFact), ...more, ...pausedFact(strategies)],
    usage: shown
      .filter((command) => !command.byButton)
      .map((command) => ({ words: signature(command), does: command.summary })),
    data: {
      attention: bad,
      commands: commands.map(({ name, usage, summary }) => ({ name, usage, summary })),
    },
  }
}

function rank(strategy: StrategyView): number {
  return worstFirst.indexOf(stateOf(strategy))
}

function attentionFact(strategy: StrategyView): Fact {
  return { label: strategy.name, cell: text(attentionTo(strategy)) }
}

function pausedFact(strategies: StrategyView[]): Fact[] {
  const names = strategies.filter(({ paused }) => paused !== null).map(({ name }) => name)
  return names.length === 0 ? [] : [{ label: 'paused', cell: text(some(names)) }]
}

/** Name and its plain words; options are for `help <command>`. */
function signature({ name, usage }: CommandDefinition): string {
  const plain = usage.split(/ (?:\| |\[)?--/)[0]!
  const words = plain.startsWith('(') && !plain.includes(')') ? `${plain})` : plain
  return words === '' || usage.startsWith('--') ? name : `${name} ${words}`
}

function explain(name: string, { commands }: CommandContext): Reply {
  const command = commands.find(
    (each) => each.name === name.toLowerCase() || each.aliases.includes(name.toLowerCase()),
  )
  if (!command) {
    const names = commands.filter(({ byButton }) => !byButton).map((each) => each.name)
    throw new Fault('usage', `there is no command ${quoted(name)}`, {
      hint: suggest(name, names, `commands: ${some(names)}`),
    })
  }
  return {
    type: 'facts',
    title: command.summary,
    facts: optionsOf(command).map(({ key, flag, description }) => ({
      label: command.positional.includes(key) ? key : `--${flag}`,
      cell: text(description),
    })),
    commands: [`${command.name} ${command.usage}`.trim()],
  }
}
