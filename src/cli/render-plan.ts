import { cellText, contents, dateText, levelText } from '../commands/phrases.ts'
import { formatAge, formatBytes, formatDuration } from '../core/duration.ts'
import type { RequestView, RestorePlan } from '../core/model.ts'
import type { Look } from './render-table.ts'
import { harmless, paint } from './terminal.ts'

/** What a restore will do, as facts; the same facts as on the card in Slack. */
export function renderPlan(request: RequestView, look: Look, isFiled: boolean): string {
  const { plan } = request
  const lines: [string, string][] = [
    ['Backup', backupLine(plan, look.now)],
    ...fileLines(plan),
    ...(plan.tables ? [['Only', plan.tables.join(', ')] as [string, string]] : []),
    ['Target', targetLine(plan)],
    [
      'Space',
      `needs ${known(plan.neededBytes, formatBytes)} here, ${known(plan.freeBytes, formatBytes)} free`,
    ],
    ['Takes', plan.expectedMs === null ? 'unknown' : `about ${formatDuration(plan.expectedMs)}`],
    ...plan.steps.map((step, at): [string, string] => [at === 0 ? 'Will do' : '', `${at + 1}. ${step}`]),
    ...losesLines(plan, look.now),
    ...(plan.missingRoles.length > 0
      ? [['Roles', `missing on the target: ${plan.missingRoles.join(', ')}`] as [string, string]]
      : []),
    ...plan.warnings.map((warning): [string, string] => ['Warning', warning]),
    ...plan.blockers.map((blocker): [string, string] => ['Blocked', blocker]),
    ...(request.reason === null ? [] : [['Reason', request.reason] as [string, string]]),
    ...(isFiled ? [['Request', requestLine(request, look)] as [string, string]] : []),
  ]
  const title = plan.clone
    ? `Copy ${plan.backup.strategy} into ${plan.clone.place} (${plan.target.name})`
    : `Restore ${plan.backup.strategy} into ${plan.target.name}`
  return [
    paint(harmless(title), 'bold', look.colours),
    ...lines.map(([label, value]) => `  ${colourOf(label, look)}${harmless(value).replaceAll('\n', ' ')}`),
  ].join('\n')
}

/** What whoever restores in place gives up. */
function losesLines({ backup, swap }: RestorePlan, now: number): [string, string][] {
  if (!swap) return []
  const age = formatDuration(Math.max(0, now - backup.createdAt))
  const newest = swap.newest === null ? '' : ` · newest data: ${swap.newest}`
  return [['Loses', `what was written since the backup (about ${age})${newest}`]]
}

function fileLines({ backup }: RestorePlan): [string, string][] {
  if (!backup.from) return []
  return [
    ['From', backup.from],
    ['SHA-256', backup.sha256.join(', ') || 'unknown'],
  ]
}

function colourOf(label: string, look: Look): string {
  const padded = label.padEnd(9)
  if (label === 'Blocked') return paint(padded, 'red', look.colours)
  return label === 'Warning' ? paint(padded, 'yellow', look.colours) : paint(padded, 'dim', look.colours)
}

function backupLine({ backup }: RestorePlan, now: number): string {
  return [
    backup.id,
    formatAge(now - backup.createdAt),
    formatBytes(backup.storedBytes),
    levelText(backup),
    contents(backup),
  ].join(' · ')
}

const modes: Record<RestorePlan['target']['mode'], string> = {
  'new-database': 'new database',
  'other-database': 'database',
  'other-server': 'another server, database',
  file: 'file',
  'in-place': 'in place of database',
}

function targetLine({ target }: RestorePlan): string {
  const facts = [
    `${modes[target.mode]} ${target.name} on ${target.endpoint}`,
    ...(target.serverVersion === null ? [] : [`server ${target.serverVersion}`]),
    target.exists
      ? `${target.overwritten ? 'EXISTS AND IS OVERWRITTEN' : 'exists'}, ${known(target.sizeBytes, formatBytes)}, ${known(target.sessions, String)} live sessions`
      : 'does not exist yet',
  ]
  return facts.join(' · ')
}

function requestLine(request: RequestView, look: Look): string {
  const expires = cellText({ kind: 'instant', at: request.expiresAt, as: 'in' }, look)
  if (request.state === 'waiting') return `${request.id} · waits for a second person · expires ${expires}`
  if (request.state === 'planned')
    return `${request.id} · waits for you · expires ${expires} (${dateText(request.expiresAt, request.timezone)}) · bound to this plan`
  return `${request.id} · ${request.state}`
}

function known<T>(value: T | null, say: (value: T) => string): string {
  return value === null ? 'unknown' : say(value)
}
