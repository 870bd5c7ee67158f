import { readFileSync } from 'node:fs'

/** Whom a child runs as. */
export interface Account {
  uid: number
  gid: number
}

export const isRoot = (): boolean => process.getuid?.() === 0

/** The first of these accounts that this machine has; null: none. */
export function findAccount(names: readonly string[]): Account | null {
  const known = new Map(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name, , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }]),
  )
  return names.map((name) => known.get(name)).find((account) => account !== undefined) ?? null
}
