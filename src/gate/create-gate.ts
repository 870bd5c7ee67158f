import type { AuditEntry } from '../core/audit.ts'
import { holdersOf, isGroup, type Access, type Holder } from '../core/access.ts'
import { Fault } from '../core/faults.ts'
import type { Log } from '../core/log.ts'
import type { Act, Gate, Person } from './gate.ts'
import type { Recorder } from './recorder.ts'
import { refusal, type Refused } from './refusal.ts'

/** The `access` parts of the configuration that holds now. */
export interface AccessRules {
  access: Access | null
  strategies: readonly { name: string; access: Access | null }[]
}

export interface GateParts {
  log: Log
  /** Asked at every act: a reload may have changed it. */
  rules: () => AccessRules
  /** Keeps entries in the audit log. */
  record: Recorder
}

/** Decides who may do what: by the ids and groups of `access`, of the strategy when the act is about one. Without `access` everyone may
 * look, run and verify, and the rest is for admins and owners of the workspace. Guests, people from outside, deactivated people and bots
 * are refused always. Who is on the host may everything: they could change the configuration as well. */
export function createGate({ log, rules, record }: GateParts): Gate {
  async function refused(person: Person, act: Act, now: boolean): Promise<Fault | null> {
    if (person.outsider !== null) return refusal.outsider(person.outsider)
    if (person.actor.via === 'cli' && person.admin) return null
    const belongs = asking(person, now)
    const missing: Refused[] = []
    for (const strategy of act.strategies ?? [act.strategy]) {
      const access = accessTo(rules(), strategy)
      const holders = holdersFor(access, act)
      const answer = await isOne(person, { holders, access, belongs })
      if (answer !== 'yes') missing.push({ strategy, access, holders, unknown: answer })
    }
    return missing.length === 0 ? null : refusal.notAllowed(act, missing)
  }

  async function note(person: Person, act: Act, fault: Fault): Promise<void> {
    const { via, id } = person.actor
    const { command, strategies } = act
    const strategy = act.strategy ?? strategies?.join(', ') ?? null
    log.warn('refused', { via, person: id, command, strategy, why: fault.message })
    const only = strategies?.length === 1 ? strategies[0]! : act.strategy
    const entry = refusedEntry(person, { ...act, strategy: only }, fault)
    await record([entry]).catch((error: unknown) =>
      log.error('a refusal could not be kept in the audit log', { error: String(error) }),
    )
  }

  return {
    async allow(person, act) {
      const fault = await refused(person, act, act.now ?? act.role !== 'view')
      if (!fault) return
      await note(person, act, fault)
      throw fault
    },
    may: (person, act) =>
      refused(person, act, act.now ?? false).then(
        (fault) => fault === null,
        () => false,
      ),
  }
}

/** Strategies that the file does not name any more go by the global rules. */
function accessTo({ access, strategies }: AccessRules, strategy: string | null): Access | null {
  const found = strategy === null ? undefined : strategies.find(({ name }) => name === strategy)
  return found ? found.access : access
}

function holdersFor(access: Access | null, { role, open }: Act): Set<Holder> {
  const holders = holdersOf(access, role)
  const isOpen = open && access?.roles[role] === undefined
  return isOpen ? holders.union(holdersOf(access, 'view')) : holders
}

/** Whether this person is in a group; each is asked for once. @returns null when nobody can tell */
type Belongs = (group: string) => Promise<boolean | null>

function asking(person: Person, now: boolean): Belongs {
  const known = new Map<string, Promise<boolean | null>>()
  return (group) => {
    const answer =
      known.get(group) ?? Promise.resolve(person.inGroup?.(group, { now }) ?? false).catch(() => null)
    known.set(group, answer)
    return answer
  }
}

interface Question {
  holders: ReadonlySet<Holder>
  access: Access | null
  belongs: Belongs
}

/** @returns the groups nobody could be asked about, when one of them might have been a yes */
async function isOne(
  { actor, admin }: Person,
  { holders, access, belongs }: Question,
): Promise<'yes' | readonly string[]> {
  if (holders.has('everyone') || holders.has(actor.id)) return 'yes'
  if (admin && holders.has('workspace-admins')) return 'yes'
  const groups = [...holders].filter(isGroup)
  const written = groups.filter((id) => access?.groups[id])
  if (written.some((id) => access!.groups[id]!.includes(actor.id))) return 'yes'
  const unknown: string[] = []
  for (const group of groups.filter((id) => !written.includes(id))) {
    const answer = await belongs(group)
    if (answer === true) return 'yes'
    if (answer === null) unknown.push(group)
  }
  return unknown
}

function refusedEntry({ actor }: Person, act: Act, { message }: Fault): AuditEntry {
  const { strategy, subject = null } = act
  return {
    actor,
    act: 'access.refused',
    strategy,
    subject,
    planDigest: null,
    reason: null,
    result: 'refused',
    detail: message,
    link: null,
  }
}
