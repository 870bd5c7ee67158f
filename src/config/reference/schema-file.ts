import { compressionsOf, type DriverCatalogue } from '../catalogue.ts'
import type { Reading } from '../readings.ts'
import { file } from '../schema/file.ts'
import { scheduleSchema } from '../schema/schedule.ts'
import { asNode, type Node } from './node.ts'

/** `config/schema.json`: what editors complete and check by. Looser than the service, which also takes `${…}` apart. */
export function schemaFile(drivers: DriverCatalogue): string {
  const published = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of easy-backup',
    ...publish(asNode(file), '', drivers),
  }
  return `${JSON.stringify(published, null, 2)}\n`
}

/** Every value may come from outside, then it is text. */
const fromOutside = String.raw`\$\{`

function publish(node: Node, path: string, drivers: DriverCatalogue): Node {
  const { reads, later, secret: _secret, expected: _expected, instead: _instead, ...known } = node
  const { url: _url, folder: _folder, ...plain } = known
  if (later) return { description: `${node.description ?? later.what} (comes with the next release)` }
  if (path === '/global/storages/*') return { ...describe(plain), anyOf: places(drivers) }
  if (path === '/global/s3') return bucket(plain, drivers)
  if (path === '/global/notifications/*') return { ...describe(plain), anyOf: notifiers(plain, drivers) }
  if (path.endsWith('/tunnel')) return { ...describe(plain), ...ways(drivers) }
  if (path.endsWith('/options') && !path.startsWith('/global'))
    return { ...describe(plain), anyOf: options(drivers) }
  if (reads) return { ...plain, ...formOf(reads, drivers) }
  const { enum: _enum, ...rest } = plain
  return { ...rest, ...openToOutside(plain), ...inside(plain, path, drivers) }
}

function describe({ description, examples }: Node): Node {
  return { ...(description && { description }), ...(examples && { examples }) }
}

function inside(node: Node, path: string, drivers: DriverCatalogue): Node {
  const all = (nodes: Record<string, Node>, step?: string): Record<string, Node> =>
    Object.fromEntries(
      Object.entries(nodes).map(([key, inner]) => [key, publish(inner, `${path}/${step ?? key}`, drivers)]),
    )
  return {
    ...(node.properties && { properties: all(node.properties) }),
    ...(node.patternProperties && { patternProperties: all(node.patternProperties, '*') }),
    ...(node.items && { items: publish(node.items, `${path}/*`, drivers) }),
    ...(node.anyOf && { anyOf: node.anyOf.map((branch) => publish(branch, path, drivers)) }),
  }
}

function openToOutside({ type, enum: values, pattern }: Node): Node {
  if (values) return { type: 'string', anyOf: [{ enum: values }, { pattern: fromOutside }] }
  if (type === 'integer' || type === 'boolean')
    return { type: [type, 'string'] as unknown as string, pattern: fromOutside }
  return pattern === undefined ? {} : { pattern: `(?:${pattern})|${fromOutside}` }
}

function formOf(reads: Reading, drivers: DriverCatalogue): Node {
  const either = (...types: string[]) => ({ type: types as unknown as string })
  if (reads === 'schedule') return publish(asNode(scheduleSchema), '', drivers)
  if (reads === 'limit') return either('string', 'integer')
  if (reads === 'tls') return either('boolean', 'string')
  if (reads !== 'compression') return { type: 'string' }
  const kinds = [...compressionsOf(drivers).map(({ kind }) => kind), 'none']
  return { type: 'string', anyOf: [{ enum: kinds }, { pattern: fromOutside }] }
}

function places(drivers: DriverCatalogue): Node[] {
  return drivers.storages.map(({ kind, options: schema }) => {
    const { properties = {}, required = [], ...rest } = publish(asNode(schema), '', drivers)
    return { ...rest, properties: { type: { const: kind }, ...properties }, required: ['type', ...required] }
  })
}

function notifiers(node: Node, drivers: DriverCatalogue): Node[] {
  const { properties = {}, ...same } = inside(node, '/global/notifications/*', drivers)
  return (drivers.notifiers ?? []).map(({ kind, options: schema }) => ({
    type: 'object',
    ...same,
    properties: { ...properties, type: { const: kind }, config: publish(asNode(schema), '', drivers) },
    required: ['type'],
    additionalProperties: false,
  }))
}

function ways(drivers: DriverCatalogue): Node {
  const kinds = (drivers.tunnels ?? []).map(({ kind, options: schema }) => [
    kind,
    publish(asNode(schema), '', drivers),
  ])
  return {
    type: 'object',
    properties: Object.fromEntries(kinds) as Record<string, Node>,
    minProperties: 1,
    maxProperties: 1,
    additionalProperties: false,
  }
}

/** The keys of the driver and those that stand beside them. */
function bucket(node: Node, drivers: DriverCatalogue): Node {
  const driver = drivers.storages.find(({ kind }) => kind === 's3')
  const options = driver ? publish(asNode(driver.options), '', drivers) : {}
  return {
    ...options,
    ...describe(node),
    properties: { ...options.properties, ...inside(node, '/global/s3', drivers).properties },
  }
}

function options(drivers: DriverCatalogue): Node[] {
  return drivers.sources.map(({ name, options: schema }) => ({
    title: name,
    ...publish(asNode(schema), '', drivers),
  }))
}
