import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigMistakes } from '../../src/config/mistakes.ts'
import { newAgeIdentity } from '../../src/core/age-keys.ts'
import type { Config } from '../../src/core/config.ts'
import { drivers } from './catalogue.ts'

const key = newAgeIdentity()
const files: Record<string, string> = {
  '/etc/eb/id.txt': `# created: today\n# public key: ${key.recipient}\n${key.secret}\n`,
  '/etc/eb/public.txt': key.recipient,
  '/etc/eb/locked.txt': 'age-encryption.org/v1\n-> scrypt x 18\n',
  '/etc/eb/pub.asc': '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n-----END PGP PUBLIC KEY BLOCK-----\n',
  '/etc/eb/pub.gpg': '\x98\x33\x04',
  '/etc/eb/sec.gpg': '\x95\x03\x04',
  '/etc/eb/new-sec.gpg': '\xc5\x58\x04',
  '/etc/eb/sec.asc': '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nx\n-----END PGP PRIVATE KEY BLOCK-----\n',
}

function load(encryption: string, strategy = ''): Config {
  const text = `global:
  storages: { disk: { type: local, path: /backups } }
  encryption: ${encryption}
strategies:
  - name: shop
    database_url: postgres://me@db/shop
${strategy}`
  const readFile = (path: string): string => {
    const found = files[path]
    if (found === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return found
  }
  return loadConfig(
    { path: '/etc/eb/easy-backup.yml', text, environment: {}, dotenv: null, readFile },
    drivers,
  )
}

function mistake(encryption: string): string {
  try {
    load(encryption)
  } catch (error) {
    assert.ok(error instanceof ConfigMistakes)
    assert.equal(error.mistakes.length, 1, error.message)
    return error.message.replace('/etc/eb/easy-backup.yml:', '')
  }
  throw new assert.AssertionError({ message: `nothing is wrong with ${encryption}` })
}

test('an encryption holds for every strategy, and a strategy’s own or `none` takes its place', () => {
  const other = newAgeIdentity().recipient
  const rule = `{ type: age, recipients: [${key.recipient}], identity_file: ./id.txt }`
  assert.deepEqual(load(rule).strategies[0]!.encryption, {
    type: 'age',
    recipients: [key.recipient],
    passphrase: null,
    identityFile: '/etc/eb/id.txt',
    waiveDecryptTest: false,
  })
  assert.equal(load(rule, '    encryption: none\n').strategies[0]!.encryption, null)
  const own = load(rule, `    encryption: { type: age, recipients: [${other}] }\n`).strategies[0]!.encryption
  assert.deepEqual([own?.recipients, own?.identityFile], [[other], null])
  const gpg = load('{ type: gpg, recipients: [./pub.asc] }').strategies[0]!.encryption
  assert.deepEqual(gpg?.recipients, ['/etc/eb/pub.asc'])
})

const cases: [title: string, encryption: string, said: RegExp][] = [
  ['a type alone', 'age', /3:15 {2}global.encryption {2}"age" alone says no key {2}write \{ type: age/],
  ['no key', '{ type: age }', /global.encryption {2}it says no key {2}write recipients: \[age1…\]/],
  [
    'two keys',
    `{ type: age, recipients: [${key.recipient}], passphrase: x }`,
    /global.encryption.passphrase {2}the key is given twice {2}keep recipients or passphrase/,
  ],
  ['an unknown type', '{ type: pgp, passphrase: x }', /global.encryption.type .*age/],
  ['no recipient', '{ type: age, recipients: [] }', /global.encryption.recipients {2}is empty {2}write \[age1/],
  [
    'a mistyped recipient',
    `{ type: age, recipients: [${key.recipient.slice(0, -1)}${key.recipient.endsWith('q') ? 'p' : 'q'}] }`,
    /recipients\[0\] {2}"age1.*" is mistyped: its checksum is wrong/,
  ],
  ['something else as recipient', '{ type: age, recipients: [me@x.org] }', /"me@x.org" is not a public key of age/],
  ['an SSH key', '{ type: age, recipients: ["ssh-ed25519 AAAA"] }', /SSH keys are not taken/],
  [
    'a recipient twice',
    `{ type: age, recipients: [${key.recipient}, ${key.recipient}] }`,
    /recipients\[1\] {2}it is there twice/,
  ],
  ['no file of a public key', '{ type: gpg, recipients: [./no.asc] }', /the file \.\/no\.asc does not exist .*gpg --export/],
  ['a private key in a file for gpg', '{ type: gpg, recipients: [sec.asc] }', /sec\.asc holds a private key/],
  ['a private key for gpg in binary', '{ type: gpg, recipients: [sec.gpg] }', /sec\.gpg holds a private key/],
  ['one of the new form', '{ type: gpg, recipients: [new-sec.gpg] }', /new-sec\.gpg holds a private key/],
  ['a public key of gpg as identity', '{ type: gpg, recipients: [pub.gpg], identity_file: pub.gpg }', /pub\.gpg holds no private key/],
  ['a file without a key for gpg', '{ type: gpg, recipients: [id.txt] }', /id\.txt holds no public key of gpg/],
  [
    'an identity file that is not there',
    `{ type: age, recipients: [${key.recipient}], identity_file: no.txt }`,
    /identity_file {2}the file no\.txt does not exist {2}correct the path/,
  ],
  [
    'the public half as identity file',
    `{ type: age, recipients: [${key.recipient}], identity_file: public.txt }`,
    /public\.txt holds no private key of age/,
  ],
  [
    'an identity file that is encrypted',
    `{ type: age, recipients: [${key.recipient}], identity_file: locked.txt }`,
    /locked\.txt is encrypted itself/,
  ],
  ['an identity beside a passphrase', '{ type: age, passphrase: x, identity_file: id.txt }', /it is for recipients/],
] // prettier-ignore

for (const [title, encryption, said] of cases)
  test(`a mistake about encryption: ${title}`, () => assert.match(mistake(encryption), said))

test('a private key that was pasted as a recipient is refused and not said again', () => {
  for (const pasted of [key.secret, `${key.secret.slice(0, -4)}`, `x ${key.secret}`]) {
    const said = mistake(`{ type: age, recipients: ["${pasted}"] }`)
    assert.match(said, /recipients\[0\] {2}this is a private key/)
    assert.ok(!said.includes(key.secret.slice(20, -6)), said)
  }
})

test('what is weaker than it looks is said, and stops nothing', () => {
  const warnings = (encryption: string): string => load(encryption).warnings.join('\n')
  assert.match(warnings('{ type: age, passphrase: short }'), /a passphrase of 5 characters can be guessed/)
  assert.equal(warnings('{ type: age, passphrase: a sentence that nobody guesses }'), '')
  assert.match(
    warnings(`{ type: age, recipients: [${key.recipient}], identity_file: id.txt }`),
    /this host and whoever breaks into it can read its own backups/,
  )
  assert.equal(warnings(`{ type: age, recipients: [${key.recipient}] }`), '')
})

test('passphrases and private keys are secrets of the configuration', () => {
  const words = 'correct horse battery staple'
  const config = load(`{ type: gpg, passphrase: ${words} }`)
  assert.ok(config.secrets.includes(words))
  assert.ok(!JSON.stringify([config.redacted, config.strategies[0]!.redacted]).includes(words))
  const own = load(`{ type: age, recipients: [${key.recipient}], identity_file: id.txt }`)
  assert.ok(own.secrets.includes(key.secret))
})
