import { holdersOf, isGroup, type Access, type Role } from '../core/access.ts'
import type { Config, Strategy } from '../core/config.ts'
import { strategiesOf } from './check-strategies.ts'
import { defaults } from './defaults.ts'
import type { Examination } from './examine.ts'
import { suggest } from './nearest.ts'
import { child, isMapping } from './pointer.ts'
import type { AccessFile } from './schema/access.ts'
import { shown } from './shown.ts'

/** A strategy's `access` over the global one, key by key; null: nobody said anything. */
export function accessOf(global: AccessFile | undefined, own: AccessFile | undefined): Access | null {
  if (global === undefined && own === undefined) return null
  const { allow_self_approval: self, groups: _groups, ...roles } = { ...global, ...own }
  return {
    roles,
    allowSelfApproval: self ?? defaults.access.allow_self_approval,
    groups: { ...global?.groups, ...own?.groups },
  }
}

interface Written {
  at: string
  access: AccessFile
}

/** What the schema alone cannot tell: the keys of `groups` are ids, and some role names each of them. */
export function checkAccess(examination: Examination): void {
  const { findings } = examination
  const parts = writtenIn(examination)
  const named = new Set(parts.flatMap(({ access }) => namedIn(access)).filter(isGroup))
  for (const { at, access } of parts)
    for (const group of Object.keys(isMapping(access.groups) ? access.groups : {})) {
      const place = child(child(at, 'groups'), group)
      if (!isGroup(group) || group.length < 9)
        findings.keyMistake(
          place,
          `${shown(group)} is not the id of a user group`,
          'write an id such as S0123456789',
        )
      else if (!named.has(group))
        findings.keyMistake(
          place,
          'no role names this group',
          named.size > 0 ? suggest(group, [...named]) : 'remove it',
        )
    }
}

function writtenIn({ root }: Examination): Written[] {
  const global = isMapping(root.global) ? root.global : {}
  const parts = [
    { at: '/global/access', access: global.access },
    ...strategiesOf(root).map(({ pointer, strategy }) => ({
      at: child(pointer, 'access'),
      access: strategy.access,
    })),
  ]
  return parts.filter((part): part is Written => isMapping(part.access))
}

function namedIn({ groups: _groups, allow_self_approval: _self, ...roles }: AccessFile): string[] {
  return Object.values(roles)
    .flatMap((named) => (Array.isArray(named) ? named : []))
    .filter((id) => typeof id === 'string')
}

const strong: readonly Role[] = ['restore', 'approve', 'admin']

/** Says what is legal and hardly meant. */
export function warnOfAccess(config: Pick<Config, 'strategies' | 'slack'>, examination: Examination): void {
  const { findings } = examination
  for (const { at, access } of writtenIn(examination)) {
    for (const role of strong.filter((each) => access[each] === 'everyone'))
      findings.warning(
        child(at, role),
        `everyone in the workspace has the role ${role}`,
        'name a group, unless that is meant',
      )
    if (!config.slack)
      findings.warning(
        at,
        'roles are for people in Slack, and there is no Slack',
        'set global.slack, or remove it',
      )
  }
  strategiesOf(examination.root).forEach(({ pointer }, index) =>
    warnOfApprovers(config.strategies[index]!, pointer, findings),
  )
}

/** Overwriting a protected database needs two people: are there two? */
function warnOfApprovers(
  { name, access, slack, protected: isProtected }: Pick<Strategy, 'name' | 'access' | 'slack' | 'protected'>,
  pointer: string,
  findings: Examination['findings'],
): void {
  if (!isProtected || !slack || !access) return
  const approvers = peopleIn(access, 'approve')
  if (approvers === null || approvers.length > 1 || (approvers.length === 1 && access.allowSelfApproval))
    return
  const wrong =
    approvers.length === 0
      ? `nobody can approve overwriting ${name}`
      : `only ${approvers[0]} can approve overwriting ${name}, and not when they ask for it themselves`
  const instead =
    'name a second person under access.approve, or set allow_self_approval: true for a team of one'
  findings.warning(child(pointer, 'protected'), wrong, instead)
}

/** @returns null when only Slack knows */
function peopleIn(access: Access, role: Role): string[] | null {
  const holders = [...holdersOf(access, role)].flatMap((id) => access.groups[id] ?? [id])
  const known = holders.every((id) => id !== 'everyone' && id !== 'workspace-admins' && !isGroup(id))
  return known ? [...new Set(holders)] : null
}
