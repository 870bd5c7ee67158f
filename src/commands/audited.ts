import type { AuditEntry } from '../core/audit.ts'
import { asFault } from '../core/faults.ts'
import type { About } from './about.ts'
import { optionsOf, type Arguments } from './arguments.ts'
import type { CommandDefinition, Person } from './command.ts'

interface Deed {
  command: CommandDefinition
  args: Arguments
  person: Person
  about: About
}

/** Does what a person decided, and keeps it in the audit log: before it is done (promise 18: what cannot be kept is not done), and once more
 * when it failed. A command says by `audited` that it is one of those; with `--dry-run` it changes nothing.
 * @param record  keeps entries */
export async function audited<T>(
  deed: Deed,
  record: (entries: readonly AuditEntry[]) => Promise<void>,
  act: () => Promise<T>,
): Promise<T> {
  const { command, args } = deed
  if (command.audited === undefined || args.dryRun === true) return act()
  const name = command.audited
  await record(entriesOf(name, deed, { result: 'allowed', detail: detailOf(deed) }))
  try {
    return await act()
  } catch (error) {
    await record(entriesOf(name, deed, { result: 'failed', detail: asFault(error).message }))
    throw error
  }
}

/** One row for each strategy, so that the log of a strategy is whole. */
function entriesOf(
  act: string,
  { args, person, about }: Deed,
  end: Pick<AuditEntry, 'result' | 'detail'>,
): AuditEntry[] {
  const strategies = about.strategies.length > 0 ? about.strategies : [null]
  const reason = [args.reason, args.note].find((words) => typeof words === 'string') ?? null
  return strategies.map((strategy) => ({
    actor: person.actor,
    act,
    strategy,
    subject: about.subject,
    planDigest: null,
    reason,
    ...end,
    link: null,
  }))
}

/** Said by the row itself. */
const elsewhere = ['strategy', 'what', 'backup', 'request', 'version', 'reason', 'note', 'run']

/** `--until 30d`: how it was asked for; never what may hold a password. */
function detailOf({ command, args }: Deed): string | null {
  const words = optionsOf(command)
    .filter(({ key, isSecret }) => args[key] !== undefined && !isSecret && !elsewhere.includes(key))
    .map(({ key, flag, isSwitch }) => (isSwitch ? `--${flag}` : `--${flag} ${String(args[key])}`))
  return words.join(' ') || null
}
