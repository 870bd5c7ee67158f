import { parseSize } from '../core/size.ts'
import type { DriverCatalogue } from './catalogue.ts'
import { defaults } from './defaults.ts'
import type { Examination } from './examine.ts'
import { suggest } from './nearest.ts'
import { child, isMapping, valueAt } from './pointer.ts'
import type { ConfigFile } from './schema/file.ts'
import { shown } from './shown.ts'

type Global = NonNullable<ConfigFile['global']>

/** Bytes that are read again each day, by place; 0 = none. What reading costs is known of each kind of place. */
export function rereadBudgets(
  { verify = {} }: Global,
  places: readonly { name: string; kind: string }[],
  catalogue: DriverCatalogue,
): Record<string, number> {
  return Object.fromEntries(
    places.map(({ name, kind }) => {
      const isCostly = catalogue.storages.find((driver) => driver.kind === kind)?.readingCosts ?? false
      const usual = isCostly ? defaults.verify.costly : defaults.verify.budget
      return [name, bytes(verify.places?.[name] ?? verify.budget ?? usual)]
    }),
  )
}

function bytes(written: string): number {
  return written === 'off' ? 0 : (parseSize(written) ?? 0)
}

/** The places that have a budget of their own are there. */
export function checkVerify({ root, findings }: Examination): void {
  const at = '/global/verify/places'
  const own = valueAt(root, at)
  if (!isMapping(own) || !findings.clean('/global/storages')) return
  const global = isMapping(root.global) ? root.global : {}
  const storages = isMapping(global.storages) ? Object.keys(global.storages) : []
  const names = [...('s3' in global ? ['s3'] : []), ...storages]
  for (const name of Object.keys(own))
    if (!names.includes(name))
      findings.keyMistake(child(at, name), `there is no place named ${shown(name)}`, suggest(name, names))
}
