import type { Act } from '../gate/gate.ts'
import type { About } from './about.ts'
import type { Arguments } from './arguments.ts'
import type { CommandDefinition, Engine, Gate, Person } from './command.ts'

interface Asking {
  command: CommandDefinition
  args: Arguments
  person: Person
  /** The whole engine: what is meant by `all` does not depend on who says it. */
  engine: Engine
  /** What this person sees of it. */
  seen: Engine
  gate: Gate
}

/** Lets a command through for what its arguments are about: every strategy of it has to allow it.
 * @returns what it is about. @throws Fault denied · not-found, in words that name nothing this person may not see */
export async function admit(asking: Asking): Promise<About> {
  const { command, person, gate, seen } = asking
  const act = actOf(command)
  if (person.outsider !== null) await gate.allow(person, act) // an outsider hears nothing else
  const about = await meant(asking).catch(async (error: unknown) => {
    if (!(await mayAnywhere(asking))) await gate.allow(person, act)
    throw error
  })
  const { strategies, subject } = about
  // a list of everything holds what may be seen
  if (command.role === 'view' && strategies.length === 0 && seen.strategyNames().length > 0) return about
  const [only = null, ...others] = strategies
  const which = others.length === 0 ? { strategy: only } : { strategy: null, strategies }
  await gate.allow(person, { ...act, ...which, subject })
  return about
}

async function meant({ command, args, engine, seen }: Asking): Promise<About> {
  if (!command.about) return { strategies: [], subject: null }
  try {
    return await command.about(args, engine)
  } catch (error) {
    if (engine === seen) throw error
    return command.about(args, seen) // says what is wrong without what is hidden
  }
}

async function mayAnywhere({ command, person, gate, seen }: Asking): Promise<boolean> {
  const act = actOf(command)
  for (const strategy of [null, ...seen.strategyNames()])
    if (await gate.may(person, { ...act, strategy })) return true
  return false
}

function actOf({ name, role, open }: CommandDefinition): Act {
  return { command: name, role, open, strategy: null }
}
