import type { DriverCatalogue } from './catalogue.ts'
import { strategiesOf } from './check-strategies.ts'
import { examine, type Examination } from './examine.ts'
import { nearest } from './nearest.ts'
import { child, isMapping } from './pointer.ts'
import { readings } from './readings.ts'
import { shown } from './shown.ts'

const laterStorages = ['s3', 'azure', 'gcs', 'sftp']

/** What the schema alone cannot tell of the places for backups, and of who uses them. */
export function checkPlaces(examination: Examination, catalogue: DriverCatalogue): void {
  const global = isMapping(examination.root.global) ? examination.root.global : {}
  const storages = isMapping(global.storages) ? global.storages : {}
  for (const [name, storage] of Object.entries(storages))
    if (isMapping(storage)) checkStorage(name, storage, examination, catalogue)
  checkCompression(global.compression, '/global/compression', examination, catalogue)
  checkUse(global, Object.keys(storages), examination)
}

function checkStorage(
  name: string,
  storage: Record<string, unknown>,
  examination: Examination,
  catalogue: DriverCatalogue,
): void {
  const { findings, places } = examination
  const pointer = child('/global/storages', name)
  const badName = readings.name(name)
  if (badName) findings.mistake(pointer, badName.mistake, badName.hint, places.keys.get(pointer))
  const { type, ...options } = storage
  if (typeof type !== 'string') return
  const driver = catalogue.storages.find(({ kind }) => kind === type)
  if (!driver) return reportStorage(type, child(pointer, 'type'), examination, catalogue)
  examine(driver.options, options, pointer, examination)
  Object.assign(storage, options) // numbers from outside have become numbers
  const wrong = findings.clean(pointer) ? driver.judge(options) : null
  if (wrong) findings.mistake(pointer, wrong.mistake, wrong.hint)
}

function reportStorage(
  type: string,
  pointer: string,
  { findings }: Examination,
  catalogue: DriverCatalogue,
): void {
  const kinds = catalogue.storages.map(({ kind }) => kind)
  const near = nearest(type, kinds)
  if (laterStorages.includes(type)) {
    const instead = 'write a local storage instead: { type: local, path: ./backups }'
    findings.mistake(pointer, `${type.toUpperCase()} comes with the next release`, instead)
  } else {
    const instead = near ? `did you mean ${near}?` : `write ${kinds.join(' or ')}`
    findings.mistake(pointer, `${shown(type)} is not a kind of place`, instead)
  }
}

/** `storage` names a place that is there; without it there is exactly one. */
function checkUse(global: Record<string, unknown>, names: string[], examination: Examination): void {
  const { findings, root } = examination
  if ('s3' in global || !findings.clean('/global/storages')) return
  if (names.length === 0) {
    const instead = 'write storages: { disk: { type: local, path: ./backups } } under global'
    findings.mistake('/global/storages', 'there is no place for backups', instead)
    return
  }
  checkChoice(global.storage, '/global/storage', names, examination)
  const undecided = names.length > 1 && global.storage === undefined
  for (const { pointer, strategy } of strategiesOf(root)) {
    checkChoice(strategy.storage, child(pointer, 'storage'), names, examination)
    if (undecided && strategy.storage === undefined) {
      const wrong = `there are several places (${names.join(', ')}) and none is chosen`
      findings.mistake('/global/storage', wrong, `write storage: ${names[0]} under global`)
    }
  }
}

function checkChoice(
  choice: unknown,
  pointer: string,
  names: string[],
  { findings, places }: Examination,
): void {
  if (choice === undefined || !findings.clean(pointer)) return
  const list = Array.isArray(choice) ? choice : [choice]
  list.forEach((item, index) => {
    const name = isMapping(item) ? item.name : item
    if (typeof name !== 'string' || names.includes(name)) return
    const at = Array.isArray(choice) ? child(pointer, index) : pointer
    const near = nearest(name, names)
    findings.mistake(
      at,
      `there is no place named ${shown(name)}`,
      near ? `did you mean ${near}?` : `write ${names.join(' or ')}`,
    )
  })
  if (list.length > 1 && findings.clean(pointer)) {
    const instead = `keep one of them: storage: ${String(names[0])}`
    findings.mistake(
      pointer,
      'several places for one dump come with the next release',
      instead,
      places.values.get(pointer)?.start,
    )
  }
}

/** The kind is one of the filters, and the level fits it. */
export function checkCompression(
  compression: unknown,
  pointer: string,
  examination: Examination,
  catalogue: DriverCatalogue,
): void {
  const { findings } = examination
  if (compression === undefined || !findings.clean(pointer)) return
  const group = isMapping(compression)
  const type = group ? compression.type : compression
  const kinds = [...catalogue.filters.map(({ kind }) => kind), 'none']
  if (typeof type !== 'string') return
  if (!kinds.includes(type)) {
    const near = nearest(type, kinds)
    const instead = near ? `did you mean ${near}?` : `write ${kinds.slice(0, -1).join(', ')} or none`
    findings.mistake(group ? child(pointer, 'type') : pointer, `${shown(type)} is not a compression`, instead)
    return
  }
  const filter = catalogue.filters.find(({ kind }) => kind === type)
  if (!group || compression.level === undefined) return
  if (filter) examine(filter.options, { level: compression.level }, pointer, examination)
  else findings.mistake(child(pointer, 'level'), 'none has no level', 'remove it')
}
