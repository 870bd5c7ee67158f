import { accessSync, constants } from 'node:fs'
import { resolve } from 'node:path'
import type { Encryption } from '../../core/encryption.ts'
import { Fault } from '../../core/faults.ts'
import type { FilterOptions } from '../filter.ts'

/** @throws Fault key-missing */
export function keysOf({ encryption }: FilterOptions): Encryption {
  if (encryption) return encryption
  throw new Fault('key-missing', 'it is encrypted with age, and there is no key for it', {
    hint: 'set encryption with its identity_file or passphrase',
  })
}

/** @returns full path of the file with the private keys. @throws Fault key-missing */
export function identitiesOf(options: FilterOptions): string {
  const { identityFile } = keysOf(options)
  if (identityFile === null)
    throw new Fault('key-missing', 'it is encrypted with age for recipients whose key is not on this host', {
      hint: 'set encryption.identity_file, or decrypt it where the key is',
    })
  const path = resolve(identityFile)
  try {
    accessSync(path, constants.R_OK)
    return path
  } catch (cause) {
    throw new Fault('key-missing', `the identity file ${path} cannot be read: ${(cause as Error).message}`, {
      hint: 'correct encryption.identity_file, or let this user read it',
      cause,
    })
  }
}
