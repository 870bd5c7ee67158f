import { compressionsOf, foldersOf } from './catalogue.ts'
import { strategiesOf } from './check-strategies.ts'
import { examine, type Examination } from './examine.ts'
import { suggest } from './nearest.ts'
import { child, isMapping } from './pointer.ts'
import { readings } from './readings.ts'
import { shown } from './shown.ts'
import type { Part } from './validate.ts'

/** What the schema alone cannot tell of the places for backups, and of who uses them. */
export function checkPlaces(examination: Examination): void {
  const global = isMapping(examination.root.global) ? examination.root.global : {}
  const storages = isMapping(global.storages) ? global.storages : {}
  for (const [name, storage] of Object.entries(storages))
    if (isMapping(storage)) checkStorage(name, storage, examination)
  if (isMapping(global.s3)) checkS3(global.s3, storages, examination)
  checkCompression({ value: global.compression, at: '/global/compression' }, examination)
  checkUse(global, [...('s3' in global ? ['s3'] : []), ...Object.keys(storages)], examination)
}

function checkStorage(name: string, storage: Record<string, unknown>, examination: Examination): void {
  const { findings } = examination
  const at = child('/global/storages', name)
  const badName = readings.name(name)
  if (badName) findings.keyMistake(at, badName.mistake, badName.hint)
  const { type, ...options } = storage
  if (typeof type !== 'string') return
  if (judgeOptions(type, { value: options, at }, examination)) Object.assign(storage, options)
  else reportStorage(type, child(at, 'type'), examination)
}

/** `global.s3` is simply the place named `s3`, with the compression of older files beside it. */
function checkS3(
  s3: Record<string, unknown>,
  storages: Record<string, unknown>,
  examination: Examination,
): void {
  const { compression, ...options } = s3
  const at = '/global/s3'
  if (judgeOptions('s3', { value: options, at }, examination)) Object.assign(s3, options)
  checkCompression({ value: compression, at: `${at}/compression` }, examination)
  if ('s3' in storages)
    examination.findings.keyMistake(
      '/global/storages/s3',
      'global.s3 is the place of this name',
      'choose another name here',
    )
}

/** By the driver's own schema and judgement; numbers from outside become numbers. @returns false when there is no such driver */
function judgeOptions(
  type: string,
  { value, at }: { value: Record<string, unknown>; at: string },
  examination: Examination,
): boolean {
  const { findings, drivers } = examination
  const driver = drivers.storages.find(({ kind }) => kind === type)
  if (!driver) return false
  examine(driver.options, { value, at }, examination)
  for (const key of foldersOf(driver.options))
    if (String(value[key]).startsWith('~'))
      findings.mistake(child(at, key), '~ stands for nothing here', 'write the whole path')
  const wrong = findings.clean(at) ? driver.judge(value) : null
  if (wrong) findings.mistake(at, wrong.mistake, wrong.hint)
  return true
}

function reportStorage(type: string, at: string, { findings, drivers }: Examination): void {
  const kinds = drivers.storages.map(({ kind }) => kind)
  findings.mistake(at, `${shown(type)} is not a kind of place`, suggest(type, kinds))
}

/** `storage` names a place that is there; without it there is `s3`, or exactly one. */
function checkUse(global: Record<string, unknown>, names: string[], examination: Examination): void {
  const { findings, root } = examination
  if (!findings.clean('/global/storages')) return
  if (names.length === 0) {
    const instead = 'write storages: { disk: { type: local, path: ./backups } } under global'
    findings.mistake('/global/storages', 'there is no place for backups', instead)
    return
  }
  checkChoice({ value: global.storage, at: '/global/storage' }, names, examination)
  const undecided = names.length > 1 && !('s3' in global) && global.storage === undefined
  for (const { pointer, strategy } of strategiesOf(root)) {
    checkChoice({ value: strategy.storage, at: child(pointer, 'storage') }, names, examination)
    if (undecided && strategy.storage === undefined) {
      const wrong = `there are several places (${names.join(', ')}) and none is chosen`
      findings.mistake('/global/storage', wrong, `write storage: ${names[0]} under global`)
    }
  }
}

function checkChoice({ value, at }: Part, names: string[], { findings }: Examination): void {
  if (value === undefined || !findings.clean(at)) return
  const list = Array.isArray(value) ? value : [value]
  const seen = new Set<string>()
  list.forEach((item, index) => {
    const name = isMapping(item) ? item.name : item
    if (typeof name !== 'string') return
    const place = Array.isArray(value) ? child(at, index) : at
    if (!names.includes(name))
      findings.mistake(place, `there is no place named ${shown(name)}`, suggest(name, names))
    else if (seen.has(name)) findings.mistake(place, `${name} is named twice`, 'remove it here')
    seen.add(name)
  })
}

/** The kind is one of the filters, and the level fits it. */
export function checkCompression({ value, at }: Part, examination: Examination): void {
  const { findings, drivers } = examination
  if (value === undefined || !findings.clean(at)) return
  const { type, level } = isMapping(value) ? value : { type: value }
  const compressions = compressionsOf(drivers)
  const kinds = [...compressions.map(({ kind }) => kind), 'none']
  if (typeof type !== 'string') return
  if (!kinds.includes(type)) {
    const place = isMapping(value) ? child(at, 'type') : at
    findings.mistake(place, `${shown(type)} is not a compression`, suggest(type, kinds))
    return
  }
  const filter = compressions.find(({ kind }) => kind === type)
  if (level === undefined) return
  if (filter) examine(filter.options, { value: { level }, at }, examination)
  else findings.mistake(child(at, 'level'), 'none has no level', 'remove it')
}
