import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Encryption } from '../src/core/encryption.ts'
import { ageRecipients, gpgRecipients } from '../test/support/keys.ts'
import type { Bench } from './bench.ts'
import { withBytes } from './dumps.ts'
import { ratio, type Result } from './result.ts'
import { interleave, medians } from './rounds.ts'
import { startSubject } from './subject.ts'

/** Encrypted runs to a local folder against the same runs without. age with a passphrase, which no program takes, has no target. */
export async function measureEncryption(bench: Bench): Promise<Result[]> {
  const { sample, folder } = bench
  const subject = await startSubject({
    global: '  schedule: manual\n  compression: zstd\n  retention: { max_age: 1m, min_keep: 2 }\n',
    strategies: strategies(sample.server.url(sample.database), await mkdtemp(join(folder, 'keys-'))),
  })
  try {
    const ours = (strategy: string) => async () => withBytes(await subject.backup(strategy))
    const names = ['stored', 'age', 'gpg', 'proved', 'age-proved']
    const samples = await interleave(Object.fromEntries(names.map((name) => [name, ours(name)])), bench)
    const row = (what: string, [name, without]: [string, string], limit: number): Result => {
      const [mine, other] = [medians(samples[name]), medians(samples[without])]
      return ratio(what, { ours: mine.wallS, reference: other.wallS, unit: 's' }, limit)
    }
    return [
      row('age for recipients: wall, against the same run without', ['age', 'stored'], 1.15),
      row('gpg for recipients: wall, against the same run without', ['gpg', 'stored'], 1.5),
      row('age, proved before it: wall, against the same run without', ['age-proved', 'proved'], 1.15),
    ]
  } finally {
    await subject.close()
  }
}

function strategies(url: string, folder: string): string {
  const one = (name: string, lines: string[]): string =>
    [`  - name: ${name}`, `    database_url: ${url}`, ...lines.map((line) => `    ${line}`)].join('\n')
  const unproved = 'prove: false'
  const age = `encryption: ${written(ageRecipients(folder, false).encryption)}`
  const gpg = `encryption: ${written(gpgRecipients(folder, { isReader: false }).encryption)}`
  return [
    one('stored', [unproved]),
    one('age', [unproved, age]),
    one('gpg', [unproved, gpg]),
    one('proved', []),
    one('age-proved', [age]),
  ].join('\n')
}

function written({ type, recipients }: Encryption): string {
  return JSON.stringify({ type, recipients, waive_decrypt_test: true })
}
