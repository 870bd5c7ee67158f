import { createHash } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { canonical } from '../core/canonical.ts'
import type { Config } from '../core/config.ts'
import type { DriverCatalogue } from './catalogue.ts'
import { checkAccess } from './access.ts'
import { checkMonitoring } from './check-monitoring.ts'
import { checkPlaces } from './check-places.ts'
import { checkServers, checkStrategies } from './check-strategies.ts'
import { checkEncryption } from './encryption.ts'
import { newPlaces, readDocument } from './document.ts'
import { examine, type Examination } from './examine.ts'
import { createFindings } from './findings.ts'
import { interpolate, type Outside } from './interpolate.ts'
import { checkNotifications } from './notifications.ts'
import { isMapping } from './pointer.ts'
import { resolveConfig } from './resolve.ts'
import { file } from './schema/file.ts'
import { redact } from './secrets.ts'
import { checkVerify } from './verify.ts'
import { warn } from './warnings.ts'

export interface ConfigInput extends Outside {
  /** Where it was read from; relative paths in it start in this folder. */
  path: string
  text: string
}

/** Turns the text of a configuration file into a frozen Config: text → values → `${…}` replaced → judged → defaults filled in.
 * @throws ConfigMistakes with every mistake, in file order */
export function loadConfig(input: ConfigInput, drivers: DriverCatalogue): Config {
  const places = newPlaces()
  const findings = createFindings(input.path, places)
  const root = readDocument(input.text, places, findings)
  if (!isMapping(root)) {
    findings.settle(root, [])
    throw new TypeError('a file that is no group of keys has a mistake')
  }
  const readFile = (name: string) => input.readFile(resolve(dirname(input.path), name))
  const { fromOutside, secrets } = interpolate(
    root,
    { ...input, readFile },
    { text: input.text, places, findings },
  )
  return configFrom(
    { root, findings, fromOutside, secrets, readFile },
    { file: input.path, folder: dirname(input.path) },
    drivers,
  )
}

/** Judges a tree of values, wherever it came from, and fills in the defaults.
 * @throws ConfigMistakes */
export function configFrom(
  read: Pick<Examination, 'root' | 'findings' | 'fromOutside' | 'secrets' | 'readFile'>,
  from: { file: string; folder: string },
  drivers: DriverCatalogue,
): Config {
  const examination: Examination = { ...read, drivers, secretPlaces: new Set(), urlPlaces: new Set() }
  const { root, findings, secrets } = examination
  judge(examination)
  const hide = redact(examination)
  const settings = resolveConfig(root, { folder: from.folder, catalogue: drivers, redact: hide })
  warn(settings, examination)
  return freeze({
    file: from.file,
    ...settings,
    warnings: findings.settle(root, secrets),
    secrets: [...secrets].filter((secret) => secret !== ''),
    hash: createHash('sha256').update(canonical(root)).digest('hex'),
    redacted: hide(root, ''),
  })
}

function judge(examination: Examination): void {
  checkServers(examination)
  examine(file, { value: examination.root, at: '' }, examination)
  checkMonitoring(examination)
  checkPlaces(examination)
  checkStrategies(examination)
  checkEncryption(examination)
  checkVerify(examination)
  checkNotifications(examination)
  checkAccess(examination)
  examination.findings.settle(examination.root, examination.secrets)
}

function freeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) freeze(inner)
  }
  return value
}
