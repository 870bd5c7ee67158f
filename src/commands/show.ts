import { Type } from 'typebox'
import { formatBytes } from '../core/duration.ts'
import type { BackupView, Manifest } from '../core/model.ts'
import { aboutBackup } from './about.ts'
import { defineCommand } from './command.ts'
import { backupField, strategyField } from './fields.ts'
import { drilledWords } from './drill-words.ts'
import { contents, pinWords, plural } from './phrases.ts'
import { replacedFacts } from './replaced.ts'
import { levelCell, text, type Fact, type ReplyAction } from './reply.ts'
import { backupOf } from './select.ts'

export const show = defineCommand({
  name: 'show',
  aliases: [],
  summary: 'One backup: what is in it, where it is, and how to restore it by hand',
  usage: '<backup | strategy | latest> [--strategy NAME]',
  role: 'view',
  open: true,
  faces: ['slack', 'cli'],
  args: Type.Object({
    backup: backupField('a backup, its last four characters, or a strategy for its newest'),
    strategy: Type.Optional(strategyField('whose latest')),
  }),
  positional: ['backup'],
  about: aboutBackup,
  async run({ backup, strategy }, { engine, clock }) {
    const asked = backupOf(engine, backup, strategy)
    const found = await engine.backup(asked.backup, asked.strategy)
    const { view, manifest, copies, note } = found
    return {
      type: 'facts',
      title: view.id,
      facts: [
        ...(note === null ? [] : [{ label: 'Note', cell: text(note) }]),
        ...(view.odd === undefined ? [] : [{ label: 'Suspicious', cell: text(view.odd) }]),
        ...stateFacts(view, clock.now()),
        ...contentFacts(view, manifest),
        ...copies.map(({ storage, location }): Fact => ({
          label: `In ${storage}`,
          cell: { kind: 'code', text: location },
        })),
        ...view.owed.map((storage): Fact => ({
          label: `Not yet in ${storage}`,
          cell: text('it is copied there as soon as that works'),
        })),
        ...originFacts(view, manifest),
        ...replacedFacts({ replaced: await engine.swaps(view.strategy), timezone: 'UTC' }),
      ],
      commands: pasteable(manifest, copies),
      actions: actionsFor(view),
      data: { ...view, copies, manifest },
    }
  },
})

function stateFacts(view: BackupView, now: number): Fact[] {
  const drilled = drilledWords(view, now)
  return [
    ...brokenFacts(view),
    { label: 'Level', cell: levelCell(view) },
    ...(drilled === null ? [] : [{ label: 'Drill', cell: text(drilled) }]),
    { label: 'Age', cell: { kind: 'instant', at: view.createdAt, as: 'age' } },
    ...(view.pin === null ? [] : [{ label: 'Pinned', cell: text(pinWords(view.pin)) }]),
    { label: 'Keeps until', cell: keeps(view) },
  ]
}

/** Why it is not offered for restore. */
function brokenFacts({ corrupt, drilled }: BackupView): Fact[] {
  if (corrupt === null) return []
  const label = drilled?.verdict === 'fail' ? 'Not offered' : 'Corrupt'
  return [{ label, cell: text(corrupt) }]
}

function keeps({ keepsUntil, keepsBy, foreign, pin }: BackupView): Fact['cell'] {
  if (foreign) return text('another installation decides')
  if (keepsBy !== undefined) return text(`the calendar rules let it go: ${keepsBy}`)
  const isHeld = pin !== null && (pin.until === null || pin.until > (keepsUntil ?? Infinity))
  if (isHeld) return text('as long as it is pinned')
  return keepsUntil === null ? text('no end') : { kind: 'instant', at: keepsUntil, as: 'time' }
}

function contentFacts(view: BackupView, manifest: Manifest): Fact[] {
  const raw = view.rawBytes === null ? '' : ` (${formatBytes(view.rawBytes)} raw)`
  const { tables, artifacts } = manifest
  const rows = tables?.reduce((sum, table) => sum + table.rows, 0) ?? null
  return [
    { label: 'Size', cell: text(`${formatBytes(view.storedBytes)}${raw}, ${manifest.compression}`) },
    ...encryptionFacts(manifest),
    ...(manifest.details
      ? []
      : [{ label: 'Contents', cell: text(contents({ tables: tables?.length ?? null, rows })) }]),
    ...artifacts.map((artifact): Fact => ({
      label: `SHA-256 of ${artifact.key.split('/').at(-1)}`,
      cell: { kind: 'code', text: artifact.sha256 },
    })),
  ]
}

/** Every key id in full: somebody looks for the one they have. */
function encryptionFacts({ encryption, provedAtDump }: Manifest): Fact[] {
  if (!encryption) return []
  const { method, mode, keyIds } = encryption
  const to: Fact[] = keyIds.map((id) => ({ label: 'Encrypted to', cell: { kind: 'code', text: id } }))
  const how =
    mode === 'passphrase' ? `${method}, with a passphrase` : `${method}, to ${plural(keyIds.length, 'key')}`
  const proof = provedAtDump
    ? [{ label: 'Proved', cell: text('before its encryption: this host cannot read it') }]
    : []
  return [{ label: 'Encryption', cell: text(`${how}; tables and rows are encrypted too`) }, ...to, ...proof]
}

function originFacts(
  view: BackupView,
  { engine, endpoint, database, host, trigger, actor }: Manifest,
): Fact[] {
  return [
    { label: 'Database', cell: text(`${database} on ${endpoint}`) },
    { label: 'Engine', cell: text(`${engine.name} ${engine.serverVersion}`.trim()) },
    { label: 'Made by', cell: text(`${trigger === 'person' ? actor.id : trigger} on ${host}`) },
    { label: 'Took', cell: { kind: 'duration', ms: view.tookMs } },
  ]
}

/** The manifest's commands are for the folder that holds the files. A copy on this machine is read where it is,
 * so that they work from any folder and leave nothing beside the backup. */
function pasteable({ artifacts, restoreCommands }: Manifest, copies: { location: string }[]): string[] {
  const local = copies.find(({ location }) => location.startsWith('/'))
  if (!local) return restoreCommands
  const stored = artifacts.map(({ key }) => key.split('/').at(-1)!)
  return stored.reduce(
    (commands, name) =>
      commands.map((command) => command.replaceAll(`'${name}'`, () => word(local.location + name))),
    restoreCommands,
  )
}

/** One word of a shell. */
function word(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function actionsFor({ id, strategy, corrupt }: BackupView): ReplyAction[] {
  const drill = {
    label: 'Drill',
    command: 'drill',
    args: { strategy, backup: id },
    style: 'default',
  } as const
  if (corrupt !== null) return [drill]
  return [
    { label: 'Restore…', command: 'restore', args: { what: id }, style: 'primary' },
    { label: 'Verify', command: 'verify', args: { backup: id }, style: 'default' },
    drill,
  ]
}
