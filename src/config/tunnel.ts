import { resolve as absolute } from 'node:path'
import type { TSchema } from 'typebox'
import type { TunnelConfig } from '../core/tunnel.ts'
import type { DriverCatalogue, SourceFacts } from './catalogue.ts'
import { databaseUrlOf } from './database.ts'
import { examine, type Examination } from './examine.ts'
import { oneOf, suggest } from './nearest.ts'
import { child, isMapping } from './pointer.ts'
import type { StrategyFile } from './schema/strategy.ts'
import { shown } from './shown.ts'
import { fits } from './validate.ts'

/** Exactly one way, as its driver wants it, to a server that there is.
 * @param about.own  driver of the strategy's database, where nothing is wrong with it */
export function checkTunnel(
  strategy: StrategyFile,
  { at, own }: { at: string; own: SourceFacts | null },
  examination: Examination,
): void {
  const { tunnel } = strategy
  const place = child(at, 'tunnel')
  if (!isMapping(tunnel) || !examination.findings.clean(place)) return
  const { findings, drivers } = examination
  const known = (drivers.tunnels ?? []).map(({ kind }) => kind)
  const [kind, ...more] = Object.keys(tunnel)
  for (const key of Object.keys(tunnel))
    if (!known.includes(key))
      return findings.keyMistake(child(place, key), `${shown(key)} is not a way`, suggest(key, known))
  if (kind === undefined) return findings.mistake(place, 'it says no way', `write ${oneOf(known)} in it`)
  if (more.length > 0)
    return findings.keyMistake(child(place, more[0]!), 'the way is given twice', `keep ${oneOf(known)}`)
  checkWay({ kind, value: (tunnel as Record<string, unknown>)[kind], at: child(place, kind) }, examination)
  if (own && hasNoServer(strategy, own, drivers))
    findings.mistake(
      place,
      isInDns(strategy, drivers)
        ? 'which servers mongodb+srv means is said by DNS: no way can be made beforehand'
        : 'the database is a file or a socket of this machine: there is nowhere to go',
      isInDns(strategy, drivers) ? 'name them: mongodb://host:27017/database' : 'remove tunnel',
    )
}

interface Way {
  kind: string
  value: unknown
  at: string
}

/** By the driver's own schema and judgement. */
function checkWay({ kind, value, at }: Way, examination: Examination): void {
  const { findings, drivers } = examination
  const driver = drivers.tunnels!.find((one) => one.kind === kind)!
  examine(driver.options, { value, at }, examination)
  if (!findings.clean(at)) return
  const wrong = driver.judge(optionsOf(value))
  if (wrong) findings.mistake((wrong.at ?? []).reduce(child, at), wrong.mistake, wrong.hint)
}

function optionsOf(value: unknown): Record<string, unknown> {
  return isMapping(value) ? value : { address: value }
}

function hasNoServer(strategy: StrategyFile, own: SourceFacts, drivers: DriverCatalogue): boolean {
  const url = databaseUrlOf(strategy, drivers)
  const facts = url === null ? null : own.parseUrl(url)
  return facts !== null && 'hosts' in facts && facts.hosts?.length === 0
}

function isInDns(strategy: StrategyFile, drivers: DriverCatalogue): boolean {
  return databaseUrlOf(strategy, drivers)?.startsWith('mongodb+srv:') ?? false
}

/** With every path absolute. */
export function tunnelOf(
  written: StrategyFile['tunnel'],
  { folder, catalogue }: { folder: string; catalogue: DriverCatalogue },
): TunnelConfig | null {
  const [way] = Object.entries(written ?? {})
  if (!way) return null
  const [kind, value] = way
  const { options } = catalogue.tunnels!.find((driver) => driver.kind === kind)!
  return { kind, options: withPaths(optionsOf(value), options, folder) as Record<string, unknown> }
}

interface Node {
  type?: string
  folder?: true
  anyOf?: Node[]
  properties?: Record<string, Node>
  items?: Node
}

function withPaths(value: unknown, schema: TSchema, folder: string): unknown {
  const inside = (inner: unknown, node: Node | undefined): unknown => {
    const meant = node?.anyOf?.find((branch) => fits(branch, inner)) ?? node
    if (meant?.folder && typeof inner === 'string') return absolute(folder, inner)
    if (Array.isArray(inner)) return inner.map((item) => inside(item, meant?.items))
    if (!isMapping(inner)) return inner
    const pairs = Object.entries(inner).map(([key, below]) => [key, inside(below, meant?.properties?.[key])])
    return Object.fromEntries(pairs) as unknown
  }
  return inside(value, schema as Node)
}
