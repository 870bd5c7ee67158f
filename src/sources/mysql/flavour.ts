/** Whose server or program it is. */
export type Flavour = 'MariaDB' | 'MySQL'

export interface Version {
  flavour: Flavour
  /** e.g. `10.11.6`. */
  text: string
  /** For comparisons: major × 100 + minor. */
  number: number
}

/** Since MySQL 9.2 there are libraries of code for routines. */
export function hasLibraries({ flavour, number }: Version): boolean {
  return flavour === 'MySQL' && number >= 902
}

/** Of a server's `version()`: `10.11.6-MariaDB-log`, `5.5.5-10.4.32-MariaDB`, `8.0.36`. */
export function serverVersionOf(text: string): Version {
  const flavour = /mariadb/i.test(text) ? 'MariaDB' : 'MySQL'
  return versionOf(flavour, text.replace(/^5\.5\.5-(?=\d)/, ''))
}

/** Of a program's `--version`; null: of somebody else.
 * `mariadb-dump  Ver 10.19 Distrib 10.11.6-MariaDB, …`, `mariadb-dump from 11.4.2-MariaDB, …`, `mysqldump  Ver 8.0.36 for Linux …` */
export function programVersionOf(text: string): Version | null {
  const flavour = /mariadb/i.test(text) ? 'MariaDB' : 'MySQL'
  const found = /(?:Distrib|from) (\d+\.\d+\.\d+)/.exec(text) ?? /Ver (\d+\.\d+\.\d+)/.exec(text)
  return found ? versionOf(flavour, found[1]!) : null
}

function versionOf(flavour: Flavour, text: string): Version {
  const [, major = '0', minor = '0', patch] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? []
  return {
    flavour,
    text: [major, minor, patch].filter((part) => part !== undefined).join('.'),
    number: Number(major) * 100 + Number(minor),
  }
}
