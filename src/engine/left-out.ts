import type { Manifest } from '../core/model.ts'
import type { SourceDriver } from '../sources/source.ts'
import { driverOf, type EngineContext } from './context.ts'
import type { Chosen } from './restore/choose.ts'
import type { RestoreAsk } from './facade.ts'

interface Facts {
  ask: RestoreAsk
  chosen: Pick<Chosen, 'manifest' | 'strategy'>
  /** What is there is overwritten (`clean`). */
  overwritten: boolean
}

/** Which options of the source left something of the database out of a dump that is made with them. */
export function leftOutBy(driver: Pick<SourceDriver, 'leavingOut'>, options: unknown): string[] {
  const given = (options ?? {}) as Record<string, unknown>
  return (driver.leavingOut?.all ?? []).filter((option) => given[option] !== undefined)
}

/** What a backup leaves out would be gone for good where it takes the place of the database: the safety backup, made with options too,
 * need not have it. Judged by the options it was made with and by those of now. */
export function leftOutBlockers(context: EngineContext, { ask, chosen, overwritten }: Facts): string[] {
  const { manifest, strategy } = chosen
  const driver = driverOf(context, strategy.source.kind)
  const without = ofBackup(driver, manifest)
  if (ask.inPlace) {
    if (without.length > 0)
      return [
        `${notAll(manifest, without)}: in its place the rest of the database would be gone; restore it beside, or only some tables with --table`,
      ]
    const { options } = strategy.source
    const safety = leftOutBy(driver, options)
    return safety.length === 0
      ? []
      : [
          `the safety backup would not hold all of the database (${inWords(safety, options)}): restore beside, or take that out of the strategy’s options first`,
        ]
  }
  const emptied = without.filter((option) => driver.leavingOut?.rows.includes(option))
  if (!overwritten || ask.clone !== undefined || ask.tables?.length || emptied.length === 0) return []
  return [
    `${notAll(manifest, emptied)}: --clean would leave these tables without their rows; restore it beside, or choose the others with --table`,
  ]
}

/** Of any other restore. */
export function leftOutWarnings(context: EngineContext, facts: Facts): string[] {
  const { manifest, strategy } = facts.chosen
  const without = ofBackup(driverOf(context, strategy.source.kind), manifest)
  if (without.length === 0 || leftOutBlockers(context, facts).length > 0) return []
  return [notAll(manifest, without)]
}

/** Manifests of older versions only have the configuration, which an encrypted backup keeps to itself. */
function ofBackup(driver: SourceDriver, manifest: Manifest): string[] {
  return manifest.leftOut ?? leftOutBy(driver, optionsOf(manifest))
}

function optionsOf({ strategyConfig }: Manifest): Record<string, unknown> {
  return (strategyConfig as { options?: Record<string, unknown> } | null)?.options ?? {}
}

function notAll(manifest: Manifest, without: readonly string[]): string {
  return `backup ${manifest.id} does not hold all of its database (${inWords(without, optionsOf(manifest))})`
}

const mostNamed = 3

/** e.g. `exclude_tables: logs, audit`; the option alone where its patterns are not known. */
function inWords(names: readonly string[], options: Record<string, unknown>): string {
  const patterns = (name: string): string => {
    const given = [options[name] ?? []].flat().map(String)
    const more = given.length > mostNamed ? ' and others' : ''
    return given.length === 0 ? '' : `: ${given.slice(0, mostNamed).join(', ')}${more}`
  }
  return names.map((name) => `${name}${patterns(name)}`).join('; ')
}
