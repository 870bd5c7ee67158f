import { resolve } from 'node:path'
import { Fault } from '../core/faults.ts'
import type { Actor } from '../core/model.ts'
import { lineField } from './fields.ts'

/** The option of every command that reads encrypted backups. */
export const keyFileField = () =>
  lineField('path', 'a file with the private key, or the passphrase, of an encrypted backup', {
    maxLength: 2000,
  })

/** A service that carries it out has another working folder. */
export function keyPath(typed: string | undefined): string | null {
  return typed === undefined ? null : resolve(typed)
}

/** Paths belong on the host. @throws Fault denied */
export function refuseKeyFile(typed: string | undefined, { via }: Actor): void {
  if (typed === undefined || via === 'cli') return
  throw new Fault('denied', 'a path on the host is never typed into Slack', {
    hint: 'use `easy-backup … --key-file` on the host',
  })
}
