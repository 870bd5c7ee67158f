import { readFile, realpath, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { newAgeIdentity } from '../core/age-keys.ts'
import type { Config } from '../core/config.ts'
import { Fault } from '../core/faults.ts'
import { say, sayJson, type Session } from './session.ts'

/** Makes a key pair of age: the private half goes into a new file, the public one is for the configuration. */
export async function keygen(session: Session, path: string): Promise<number> {
  const file = resolve(path)
  await refuseOurFolders(session, file)
  const { secret, recipient } = newAgeIdentity()
  const text = `# private key of easy-backup: whoever has it can read the backups\n# public key: ${recipient}\n${secret}\n`
  await writeFile(file, text, { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    throw cannotWrite(file, error)
  })
  await readFile(file, 'utf8') // a key that cannot be read back must not be used
  if (session.globals.json) sayJson(session, { file, recipient })
  else say(session, words(file, recipient))
  return 0
}

function words(file: string, recipient: string): string {
  return `wrote ${file}: the private key, for you alone
public key: ${recipient}

write into the configuration:
  encryption:
    type: age
    recipients: [${recipient}]

next:
  1. copy ${file} to where the backups are not (a password manager, a safe; best two places), then delete it here
  2. easy-backup decrypt-test   # shows, where the key is, that it works; before that no backup is made
Without the private key nobody can ever read these backups: add a second recipient for the day it is lost.`
}

/** A key beside the backups, or on the disk that is copied with them, keeps nobody out. @throws Fault usage */
async function refuseOurFolders({ door, globals }: Session, file: string): Promise<void> {
  const config = await door()
    .then(({ readConfig }) => readConfig({ configPath: globals.config }))
    .catch(() => null) // keys are made before there is a configuration
  const folder = await real(dirname(file))
  for (const { what, path } of config ? ourFolders(config) : [])
    if (isWithin(folder, await real(path)))
      throw new Fault('usage', `${file} lies in ${what}: a key beside the backups keeps nobody out`, {
        hint: 'choose another folder, best of another machine',
      })
}

function ourFolders({ stateDir, tempDir, storages }: Config): { what: string; path: string }[] {
  const places = storages.flatMap(({ name, options: { path } }) =>
    typeof path === 'string' ? [{ what: `the place ${name}`, path }] : [],
  )
  return [{ what: 'state_dir', path: stateDir }, { what: 'temp_dir', path: tempDir }, ...places]
}

function real(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path))
}

function isWithin(inner: string, outer: string): boolean {
  const way = relative(outer, join(inner, '.'))
  return way === '' || (!way.startsWith('..') && !isAbsolute(way))
}

function cannotWrite(file: string, error: NodeJS.ErrnoException): Fault {
  if (error.code === 'EEXIST')
    return new Fault('usage', `${file} is there already; keygen never writes over a file`, {
      hint: 'choose another name: the key in it may be the only one of some backup',
    })
  return new Fault('disk-failed', `cannot write ${file}: ${error.message}`, { cause: error })
}
