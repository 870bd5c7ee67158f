import type { Config } from '../../src/core/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigMistakes } from '../../src/config/mistakes.ts'
import { drivers } from './catalogue.ts'

export interface Surroundings {
  environment?: Record<string, string | undefined>
  dotenv?: string | null
  files?: Record<string, string>
}

/** Loads a text as if it were `/etc/easy-backup/config.yml`, with nothing outside but what is given. */
export function load(
  text: string,
  { environment = {}, dotenv = null, files = {} }: Surroundings = {},
): Config {
  return loadConfig({ path, text, environment, dotenv, readFile: (name) => read(files, name) }, drivers)
}

export const path = '/etc/easy-backup/config.yml'

/** The lines a person sees, without the file's name; none when it loads. */
export function mistakesIn(text: string, surroundings?: Surroundings): string[] {
  try {
    load(text, surroundings)
    return []
  } catch (error) {
    if (!(error instanceof ConfigMistakes)) throw error
    return error.message.split('\n').map((line) => line.replace(`${path}:`, ''))
  }
}

/** A whole file around some lines of `global` and of its only strategy. */
export function around(global: string[], strategy: string[] = []): string {
  return [
    'global:',
    '  storages: { disk: { type: local, path: /mnt/backups } }',
    ...global.map((line) => `  ${line}`),
    'strategies:',
    '  - name: shop',
    '    database_url: postgres://db/shop',
    ...strategy.map((line) => `    ${line}`),
    '',
  ].join('\n')
}

function read(files: Record<string, string>, name: string): string {
  const content = files[name]
  if (content === undefined) throw Object.assign(new Error(`no ${name}`), { code: 'ENOENT' })
  return content
}
