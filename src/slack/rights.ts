import { commandsFor } from '../commands/ask.ts'
import type { Person } from '../commands/command.ts'
import type { Rights } from './blocks/home.ts'
import type { Desk } from './desk.ts'

/** Would this person be allowed to ask for it? Only for what is drawn: whoever does it is looked at again. */
export async function mayAsk(
  { gate }: Pick<Desk, 'gate'>,
  person: Person,
  { command, strategy }: { command: string; strategy: string | null },
): Promise<boolean> {
  const found = commandsFor('slack').find(({ name }) => name === command)
  if (found === undefined) return false
  const { role, open } = found
  return gate.may(person, { command, role, open, strategy })
}

/** Which buttons of these strategies are drawn for a person. */
export async function rightsOf(
  desk: Pick<Desk, 'gate'>,
  person: Person,
  strategies: readonly string[],
): Promise<Rights> {
  const those = async (command: string): Promise<Set<string>> => {
    const may = await Promise.all(strategies.map((strategy) => mayAsk(desk, person, { command, strategy })))
    return new Set(strategies.filter((_, index) => may[index]))
  }
  const [run, cancel, restore] = [await those('run'), await those('cancel'), await those('restore')]
  const drill = await those('drill')
  const decide = restore.union(await those('approve')).union(await those('unpin'))
  return { run, cancel, restore, drill, decide }
}
