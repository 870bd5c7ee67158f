import type { AuditEntry } from '../core/audit.ts'
import type { Clock } from '../core/clock.ts'
import { asFault, Fault } from '../core/faults.ts'
import type { About } from './about.ts'
import { admit } from './admit.ts'
import { checkArguments, readArguments, type Arguments } from './arguments.ts'
import { audited } from './audited.ts'
import type { CommandDefinition, Engine, Face, Gate, Person } from './command.ts'
import { nearest } from '../core/nearest.ts'
import { commands } from './registry.ts'
import type { Reply, ReplyAction } from './reply.ts'
import { onlySeen, seenBy } from './seen.ts'
import { quoted, splitWords } from './words.ts'

/** What a person asks: as typed, or from a button, dialog or parsed command line. */
export type Asked = { words: string } | { name: string; args: Arguments }

/** The one way from every face to the engine.
 * @throws Fault usage · not-yet · not-found · denied, and what the command throws */
export type Ask = (asked: Asked, person: Person) => Promise<Reply>

export interface AskParts {
  engine: Engine
  gate: Gate
  clock: Clock
  /** Keeps decisions of people in the audit log. */
  record: (entries: readonly AuditEntry[]) => Promise<void>
}

export function createAsk(parts: AskParts): Ask {
  const { engine, gate, clock, record } = parts
  return async (asked, person) => {
    const face = faceOf(person)
    const offered = commandsFor(face)
    const spell = face === 'slack' ? slackSpelling(offered) : (words: string) => words
    try {
      const { command, args } = read(asked, offered)
      const seen = await seenBy(person, parts)
      const about = await admit({ command, args, person, engine, seen, gate })
      const shown =
        seen === engine ? engine : onlySeen(engine, [...seen.strategyNames(), ...about.strategies])
      const reply = await audited({ command, args, person, about }, record, () =>
        command.run(args, { engine: shown, gate, clock, person, actor: person.actor, commands: offered }),
      )
      if (reply.type !== 'facts' || face !== 'slack') return spelled(reply, spell)
      const actions = await offeredTo({ person, about, gate, offered }, reply.actions ?? [])
      return spelled({ ...reply, actions }, spell)
    } catch (error) {
      const { code, message, hint, retry } = asFault(error)
      if (face !== 'slack' || hint === null) throw error
      throw new Fault(code, message, { hint: spell(hint), retry, cause: error })
    }
  }
}

interface Offering {
  person: Person
  about: About
  gate: Gate
  offered: readonly CommandDefinition[]
}

/** Buttons that would only be refused are not drawn; whoever clicks is looked at again. */
async function offeredTo(
  { person, about: { strategies }, gate, offered }: Offering,
  actions: readonly ReplyAction[],
): Promise<ReplyAction[]> {
  const may = await Promise.all(
    actions.map(async ({ command }) => {
      const found = lookUp(command, offered)
      if (found === undefined) return false
      const act = { command, role: found.role, open: found.open }
      const [strategy = null] = strategies
      return gate.may(person, { ...act, strategy })
    }),
  )
  return actions.filter((_, at) => may[at])
}

/** What to type is said the way it is typed there: `` `list` `` becomes `` `/backup list` ``; `` `restore.undo` `` is a key and stays. */
function slackSpelling(offered: readonly CommandDefinition[]): (words: string) => string {
  const names = new Set(offered.flatMap(({ name, aliases }) => [name, ...aliases]))
  return (words) =>
    words.replaceAll(/`([a-z]+)((?: [^`]*)?)`/g, (whole, first: string, rest: string) =>
      names.has(first) ? `\`/backup ${first}${rest}\`` : whole,
    )
}

/** Wherever an answer says what to type; plain text may be a tool's. */
function spelled(reply: Reply, spell: (words: string) => string): Reply {
  if (reply.type === 'table') return { ...reply, table: { ...reply.table, empty: spell(reply.table.empty) } }
  if (reply.type !== 'facts') return reply
  const facts = reply.facts.map(({ label, cell }) => ({
    label,
    cell: cell.kind === 'text' ? { ...cell, text: spell(cell.text) } : cell,
  }))
  return { ...reply, facts }
}

/** What one face offers, in the order of help. */
export function commandsFor(face: Face): readonly CommandDefinition[] {
  return commands.filter(({ faces }) => faces.includes(face))
}

/** Finds the command that was asked for and checks its arguments; touches nothing. */
export function read(
  asked: Asked,
  offered: readonly CommandDefinition[],
): { command: CommandDefinition; args: Arguments } {
  if ('name' in asked) {
    const command = find(asked.name, offered)
    return { command, args: checkArguments(command, asked.args) }
  }
  const words = splitWords(asked.words)
  const [name, rest] = nameIn(words, offered)
  const command = find(name, offered)
  return { command, args: checkArguments(command, readArguments(command, rest)) }
}

function faceOf(person: Person): Face {
  return person.actor.via === 'slack' ? 'slack' : 'cli'
}

/** A name may be two words, such as `catalog sync`; no word at all asks what needs attention. */
function nameIn(words: string[], offered: readonly CommandDefinition[]): [string, string[]] {
  const two = words.slice(0, 2).join(' ').toLowerCase()
  if (words.length >= 2 && lookUp(two, offered)) return [two, words.slice(2)]
  return [(words[0] ?? 'overview').toLowerCase(), words.slice(1)]
}

function lookUp(name: string, offered: readonly CommandDefinition[]): CommandDefinition | undefined {
  return offered.find((command) => command.name === name || command.aliases.includes(name))
}

function find(name: string, offered: readonly CommandDefinition[]): CommandDefinition {
  const command = lookUp(name, offered)
  if (command) return command
  const near = nearest(
    name,
    offered.flatMap((each) => [each.name, ...each.aliases]),
  )
  const names = offered
    .filter(({ byButton }) => !byButton)
    .map((each) => each.name)
    .join(', ')
  throw new Fault('usage', `there is no command ${quoted(name)}`, {
    hint: near ? `did you mean \`${near}\`?` : `commands: ${names}`,
  })
}
