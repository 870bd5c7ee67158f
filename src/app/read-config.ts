import { isUtf8 } from 'node:buffer'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadEnvironment, namesDatabase } from '../config/environment.ts'
import { defaults } from '../config/defaults.ts'
import { loadConfig, type ConfigInput } from '../config/load.ts'
import type { Config } from '../core/config.ts'
import { Fault } from '../core/faults.ts'
import { filters } from '../filters/registry.ts'
import { notifiers } from '../notifiers/registry.ts'
import { sources } from '../sources/registry.ts'
import { storages } from '../storages/registry.ts'
import { tunnels } from '../tunnels/registry.ts'

const usualPaths = ['./easy-backup.yml', '/etc/easy-backup/config.yml']
const drivers = { sources, storages, filters, notifiers, tunnels }
const readFile = (file: string): string => readFileSync(file, 'utf8')

/** A file that the configuration names; a key in binary is no text, and has one character for each byte. */
function readNamed(file: string): string {
  const bytes = readFileSync(file)
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1')
}

/** The configuration file, else the environment alone.
 * @param configPath `--config`; null = the usual paths
 * @param bare without either, one that names no database and no place will do
 * @throws Fault config-invalid with every mistake */
export function readConfig(configPath: string | null, bare = false): Config {
  const path = configPath ?? usualPaths.find((candidate) => existsSync(candidate))
  const dotenv = join(path ? dirname(path) : '.', '.env')
  const outside = {
    environment: process.env,
    dotenv: existsSync(dotenv) ? readFile(dotenv) : null,
    readFile: readNamed,
  }
  if (path) return loadConfig({ path, text: readText(path), ...outside }, drivers)
  if (namesDatabase(outside)) return loadEnvironment({ folder: process.cwd(), ...outside }, drivers)
  if (bare) return bareConfig(outside)
  throw new Fault('config-invalid', `there is no configuration file (${usualPaths.join(', ')})`, {
    hint: '`easy-backup init` writes one to start from; --config names another; or set DATABASE_URL and STORAGE_PATH',
  })
}

/** A folder to work in, and nothing else: the defaults come from the one place for them. */
function bareConfig(outside: Omit<ConfigInput, 'path' | 'text'>): Config {
  const { TEMP_DIR: temp = defaults.temp_dir, STATE_DIR: state = join(temp, 'state') } = outside.environment
  const nowhere = { storages: { nowhere: { type: 'local', path: temp } } }
  const text = JSON.stringify({
    global: { ...nowhere, temp_dir: temp, state_dir: state },
    strategies: [{ name: 'nothing', database_url: 'sqlite:///nothing.db', schedule: 'manual' }],
  })
  const path = join(process.cwd(), 'no file')
  return { ...loadConfig({ ...outside, path, text }, drivers), strategies: [], storages: [], warnings: [] }
}

function readText(path: string): string {
  try {
    return readFile(path)
  } catch (error) {
    throw new Fault('config-invalid', `${path} cannot be read: ${(error as Error).message}`, {
      hint: '`easy-backup init` writes a configuration to start from',
      cause: error,
    })
  }
}
