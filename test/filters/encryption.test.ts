import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import type { Encryption } from '../../src/core/encryption.ts'
import { age } from '../../src/filters/age/index.ts'
import { gpg } from '../../src/filters/gpg/index.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { createProcesses } from '../../src/sys/process.ts'
import { strays } from '../../src/sys/strays.ts'
import { encryptionContract } from '../contracts/encryption.ts'
import { agePassphrase, ageRecipients, gpgPassphrase, gpgRecipients } from '../support/keys.ts'

const scratch = mkdtempSync(join(tmpdir(), 'stock-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

function run(argv: string[], input: Buffer | null = null): Buffer {
  return execFileSync(argv[0]!, argv.slice(1), {
    ...(input && { input }),
    maxBuffer: 2 ** 26,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
}

/** `age` takes a passphrase from a terminal only. */
const typist = `
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
try:
    asked = b''
    while True:
        asked += os.read(fd, 1000)
        if asked.rstrip().endswith(b':'):
            asked = b''
            os.write(fd, (sys.argv[1] + '\\n').encode())
except OSError:
    pass
sys.exit(os.waitpid(pid, 0)[1] >> 8)
`

function typed(passphrase: string, how: string[], input: Buffer): Buffer {
  const [from, to] = [join(scratch, 'in'), join(scratch, 'out')]
  writeFileSync(from, input)
  writeFileSync(to, '') // age makes no file for nothing
  run(['python3', '-c', typist, passphrase, 'age', ...how, '-o', to, from])
  return readFileSync(to)
}

/** By hand, with a home of one's own. */
function byGpg(keys: Encryption, how: string[], input: Buffer): Buffer {
  const home = mkdtempSync(join(tmpdir(), 'gpg-'))
  const base = ['gpg', '--homedir', home, '--batch', '--pinentry-mode', 'loopback']
  try {
    if (keys.identityFile !== null) run([...base, '--import', keys.identityFile])
    const secret = keys.passphrase === null ? [] : ['--passphrase', keys.passphrase]
    return run([...base, ...secret, ...how], input)
  } finally {
    run(['gpgconf', '--homedir', home, '--kill', 'gpg-agent'])
    rmSync(home, { recursive: true, force: true })
  }
}

const ageByKey = {
  encode: async (plain: Buffer, { recipients }: Encryption) => run(['age', '-r', recipients[1]!], plain),
  decode: async (stored: Buffer, { identityFile }: Encryption) =>
    run(['age', '-d', '-i', identityFile!], stored),
}
const ageTyped = {
  encode: async (plain: Buffer, { passphrase }: Encryption) => typed(passphrase!, ['-e', '-p'], plain),
  decode: async (stored: Buffer, { passphrase }: Encryption) => typed(passphrase!, ['-d'], stored),
}
const gpgByHand = {
  encode: async (plain: Buffer, keys: Encryption) =>
    keys.passphrase === null
      ? byGpg(keys, ['--recipient-file', keys.recipients[0]!, '--encrypt'], plain)
      : byGpg(keys, ['--symmetric'], plain),
  decode: async (stored: Buffer, keys: Encryption) => byGpg(keys, ['--decrypt'], stored),
}

test('the process in the place of age stays small, however much passes (promise 19)', async (t) => {
  const folder = mkdtempSync(join(scratch, 'small-'))
  const runId = 'r-small'
  const processes = createProcesses({ PATH: '/nowhere' }, systemClock)
  const running = { signal: t.signal, runId, said: () => undefined }
  const { encryption } = ageRecipients(folder)
  let peakMiB = 0
  async function* much(): AsyncGenerator<Buffer> {
    const chunk = Buffer.alloc(1_000_000)
    for (let sent = 0; sent < 150; sent++) yield chunk
    const [pid] = strays(new Set([runId]))
    peakMiB = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
  }
  const command = age.program('encode', () => false, { level: null, encryption })!
  await processes.join({ stages: [command], input: { stream: Readable.from(much()) }, output: null }, running)
  assert.ok(peakMiB > 20 && peakMiB < 170, `${peakMiB} MiB`)
})

for (const form of ['armoured', 'binary'])
  test(`a private key of gpg is no recipient (${form})`, async (t) => {
    const folder = mkdtempSync(join(scratch, 'secret-'))
    const { encryption } = gpgRecipients(folder)
    const binary = join(folder, 'public.gpg')
    run(['gpg', '--batch', '--yes', '-o', binary, '--dearmor', encryption.identityFile!])
    const recipients = [form === 'binary' ? binary : encryption.identityFile!]
    const running = { signal: t.signal, runId: 'r-secret', said: () => undefined }
    const tools = { processes: createProcesses(process.env, systemClock), running, folder }
    const facts = gpg.keys!.facts({ level: null, encryption: { ...encryption, recipients } }, tools)
    await assert.rejects(facts, {
      code: 'key-wrong',
      message: /holds a private key, which belongs on another/,
    })
  })

encryptionContract({
  title: 'age for recipients',
  filter: age,
  keys: ageRecipients,
  stock: ageByKey,
  tries: 20,
})
encryptionContract({
  title: 'age for recipients, without its program',
  filter: age,
  keys: ageRecipients,
  path: '/nowhere',
  stock: ageByKey,
  tries: 2,
})
encryptionContract({
  title: 'age with a passphrase',
  filter: age,
  keys: () => agePassphrase(),
  stock: ageTyped,
  tries: 1,
})
encryptionContract({
  title: 'gpg with a passphrase',
  filter: gpg,
  keys: () => gpgPassphrase(),
  stock: gpgByHand,
  tries: 6,
})
encryptionContract({
  title: 'gpg for recipients',
  filter: gpg,
  keys: (folder) => gpgRecipients(folder),
  stock: gpgByHand,
  tries: 6,
})
