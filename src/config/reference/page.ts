import { alignTables } from './align.ts'
import { compressionsOf, type DriverCatalogue } from '../catalogue.ts'
import { file } from '../schema/file.ts'
import { notification } from '../schema/notifications.ts'
import { scheduleForm } from '../schema/schedule.ts'
import { asNode, type Node } from './node.ts'
import { forms, introduction, merging, outside } from './prose.ts'
import { inline } from '../inline.ts'

/** `docs/configuration.md`: every key with its type, default, meaning and an example. */
export function referencePage(drivers: DriverCatalogue): string {
  const root = asNode(file)
  const global = root.properties!.global!
  const strategy = root.properties!.strategies!.anyOf![0]!.items!
  const sharedKeys = Object.keys(strategy.properties!).filter((key) => Object.hasOwn(global.properties!, key))
  const parts = [
    '<!-- Generated from the schema in src/config by scripts/generate-config-docs.ts. Do not edit. -->',
    '# Configuration',
    introduction,
    '## How values are written',
    forms,
    '## Values from the environment and from files',
    outside,
    '## The file',
    table(root, []),
    '## global: what holds for every strategy',
    merging,
    table(global, []),
    ...groupsOf(global, 'global'),
    '## strategies: what is backed up',
    'A list of strategies with `name`, or a map from name to strategy. Each names its database by `database_url` or by `connection`.',
    table(strategy, sharedKeys),
    `It may also set for itself: ${sharedKeys
      .filter((key) => !strategy.properties![key]!.later)
      .map((key) => `\`${key}\``)
      .join(', ')}.`,
    ...groupsOf(strategy, 'strategies[]', sharedKeys),
    '## Schedules in detail',
    table(asNode(scheduleForm), []),
    ...driverParts(drivers),
    '## Comes with the next release',
    'These keys are known; a file that sets one does not start, so that nothing is silently left out.',
    laterKeys(root),
  ]
  return alignTables(`${parts.join('\n\n')}\n`)
}

function table(node: Node, without: string[]): string {
  const rows = Object.entries(node.properties ?? {})
    .filter(([key, inner]) => !inner.later && !without.includes(key))
    .map(([key, inner]) => row(key, inner, (node.required ?? []).includes(key)))
  return ['| key | type | default | meaning | example |', '|---|---|---|---|---|', ...rows].join('\n')
}

function row(key: string, node: Node, required: boolean): string {
  const standard = node.default === undefined ? (required ? 'required' : '') : code(inline(node.default))
  const example = node.examples?.[0] === undefined ? '' : code(`${key}: ${inline(node.examples[0])}`)
  const meaning = `${node.description ?? ''}${node.secret ? '. Never shown' : ''}`
  return `| ${[code(key), typeOf(node), standard, meaning, example].map(cell).join(' | ')} |`
}

const readingTypes = {
  duration: 'duration',
  limit: 'duration or 0',
  silence: 'duration or `off`',
  percent: 'share such as `50%`, or `off`',
  size: 'size such as `10GiB`, or `off`',
  schedule: 'schedule',
  timezone: 'time zone',
  channel: 'channel id',
  mention: 'user or group id',
  member: 'user id',
  everyone: '`everyone`',
  name: 'name',
  compression: 'compression',
  'all-databases': '`all`',
  encryption: '`none`',
  tls: 'true, false or text',
  'http-path': 'path',
  'http-url': 'URL',
} as const

function typeOf(node: Node): string {
  if (node.reads) return readingTypes[node.reads]
  if (node.url) return 'database URL'
  if (node.folder) return 'folder'
  if (node.const !== undefined) return JSON.stringify(node.const)
  if (node.enum) return node.enum.map((value) => code(String(value))).join(', ')
  if (node.anyOf) return [...new Set(node.anyOf.map(typeOf))].join(' or ')
  if (node.type === 'array') return `list of ${node.items ? typeOf(node.items) : 'values'}`
  if (node.patternProperties) return 'group by name'
  const words: Record<string, string> = {
    object: 'group',
    integer: 'number',
    string: 'text',
    boolean: 'true or false',
  }
  return words[node.type ?? ''] ?? 'value'
}

/** A section for each key that is a group of its own, or has one as its long form. */
function groupsOf(node: Node, path: string, without: string[] = []): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, inner]) => {
    if (inner.later || without.includes(key)) return []
    const [each] = Object.values(inner.patternProperties ?? {})
    const named = each?.additionalProperties === false ? each : undefined // else its keys are told elsewhere
    const form = inner.properties ? inner : [...(inner.anyOf ?? []), named].find((one) => one?.properties)
    if (!form || Object.keys(form.properties!).length === 0) return []
    const here = form === named ? `${path}.${key}.<name>` : `${path}.${key}`
    return [`### ${here}`, `${inner.description ?? ''}.`, table(form, []), ...groupsOf(form, here)]
  })
}

function driverParts(drivers: DriverCatalogue): string[] {
  const { sources, storages, notifiers, tunnels } = drivers
  const section = (title: string, options: Node) =>
    Object.keys(options.properties ?? {}).length === 0
      ? [title, 'No keys of its own.']
      : [title, table(options, [])]
  return [
    '## Places for backups: the keys of each type',
    ...storages.flatMap(({ kind, options }) => section(`### type: ${kind}`, asNode(options))),
    '## notifications: who is told beside Slack',
    table(asNode(notification), []),
    ...(notifiers ?? []).flatMap(({ kind, options, usual }) => [
      `### config of type: ${kind}`,
      `Told by default (\`on\`): ${usual.map(code).join(', ')}.`,
      table(asNode(options), []),
    ]),
    '## tunnel: the ways to a server',
    ...(tunnels ?? []).flatMap(({ kind, options }) => wayPart(kind, asNode(options))),
    '## options: what can be set for each database',
    ...sources.flatMap(({ name, schemes, options }) =>
      section(`### ${name} (${schemes.map((scheme) => `\`${scheme}:\``).join(', ')})`, asNode(options)),
    ),
    '## compression: what stands beside type',
    ...compressionsOf(drivers).flatMap(({ kind, options }) => section(`### ${kind}`, asNode(options))),
  ]
}

function wayPart(kind: string, options: Node): string[] {
  const form = options.properties ? options : options.anyOf!.find(({ properties }) => properties)!
  const short = form === options ? '' : ` Or in short, \`${kind}: ${inline(options.examples![0])}\`.`
  return [`### ${kind}`, `${options.description ?? ''}.${short}`, table(form, [])]
}

function laterKeys(root: Node): string {
  const found = new Map<string, string>()
  const look = (node: Node, path: string): void => {
    if (node.later) {
      if (!found.has(path)) found.set(path, node.description ?? node.later.what)
      return
    }
    for (const [key, inner] of Object.entries(node.properties ?? {}))
      look(inner, path === '' ? key : `${path}.${key}`)
    for (const branch of node.anyOf ?? []) look(branch, path)
  }
  look(root.properties!.global!, '')
  look(root.properties!.strategies!.anyOf![0]!.items!, '')
  return [...found].map(([path, meaning]) => `- \`${path}\`: ${meaning}`).join('\n')
}

function code(text: string): string {
  return `\`${text}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
