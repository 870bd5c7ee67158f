import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Config } from '../../src/core/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigMistakes } from '../../src/config/mistakes.ts'
import { notifiers } from '../../src/notifiers/registry.ts'
import { drivers } from './catalogue.ts'
import { around } from './load.ts'

const mail = 'smtp_host: smtp.example.com, from: b@example.com, to: "ops@example.com, ann@example.com"'

function load(lines: string[], strategy: string[] = []): Config {
  const text = around(['notifications:', ...lines.map((line) => `  ${line}`)], strategy)
  const environment = {
    TOKEN: 'canary-token',
    URL: 'https://hooks.example.com/canary-path',
    PASSWORD: 'canary-pw',
  }
  const input = { path: '/etc/c.yml', text, environment, dotenv: null, readFile: () => '' }
  return loadConfig(input, { ...drivers, notifiers })
}

/** Without the file's name. */
function mistakes(lines: string[], strategy: string[] = []): string[] {
  try {
    load(lines, strategy)
    return []
  } catch (error) {
    if (!(error instanceof ConfigMistakes)) throw error
    return error.message.split('\n').map((line) => line.replace('/etc/c.yml:', ''))
  }
}

suite('notifications', () => {
  test('each has its name, what it is told, and of whom', () => {
    const config = load(
      [
        `- { type: email, config: { ${mail} } }`,
        '- { type: webhook, name: on-call, on: both, tags: [prod], config: { url: "${URL}", headers: { Authorization: "Bearer ${TOKEN}" } } }',
        '- { type: heartbeat, strategies: [shop], config: { url: "https://hc.example.com/x" } }',
        '- { type: heartbeat, name: alive, on: [beat], config: { url: "https://hc.example.com/y" } }',
      ],
      ['tags: [prod]'],
    )
    assert.deepEqual(
      config.notifications.map(({ name, kind, on, strategies }) => [name, kind, on.join(), strategies]),
      [
        ['email', 'email', 'failure,overdue,recovered', null],
        ['on-call', 'webhook', 'success,failure', ['shop']],
        ['heartbeat', 'heartbeat', 'start,success,failure', ['shop']],
        ['alive', 'heartbeat', 'beat', null],
      ],
    )
  })

  test('what is secret in them is known as such, and never printed', () => {
    const config = load([
      '- { type: webhook, config: { url: "${URL}", secret: canary-signature-key, headers: { Authorization: "Bearer ${TOKEN}" } } }',
      `- { type: email, config: { ${mail}, username: me, password: "\${PASSWORD}" } }`,
    ])
    for (const secret of [
      'canary-token',
      'https://hooks.example.com/canary-path',
      'canary-pw',
      'canary-signature-key',
    ])
      assert.ok(config.secrets.includes(secret), secret)
    assert.ok(!JSON.stringify(config.redacted).includes('canary'), JSON.stringify(config.redacted))
  })

  test('every mistake is shown with its position and what to write', () => {
    const wrong = mistakes([
      `- { type: emial, config: { ${mail} } }`,
      '- { type: discord, config: { url: "https://discord.com/channels/1/2" } }',
      `- { type: email, on: [failure, beat], config: { ${mail} } }`,
      `- { type: email, config: { ${mail}, username: me } }`,
      '- { type: webhook, strategies: [shopp], tags: [nope], config: { url: "https://hooks.example.com/" } }',
      '- { type: webhook, name: two, on: drill, config: { url: "http://127.0.0.1/" } }',
      '- { type: webhook, name: three, config: { urll: "https://hooks.example.com/" } }',
      '- { type: webhook, name: slack, config: { url: "https://127.0.0.1/" } }',
      '- { type: webhook, name: four, config: { url: "https://127.0.0.1/" } }',
      '- { type: heartbeat, on: [beat, success], config: { url: "https://hc.example.com/" } }',
      '- { type: heartbeat, name: drills, on: [drill, success], config: { url: "https://hc.example.com/" } }',
    ])
    const expected = [
      /^4:\d+ {2}global\.notifications\[0\]\.type {2}"emial" is not a kind of notification {2}did you mean email\?/,
      /^5:\d+ {2}global\.notifications\[1\]\.config\.url {2}that is not the address of a webhook of Discord/,
      /^6:\d+ {2}global\.notifications\[2\]\.on\[1\] {2}beat is nothing that email tells {2}write success, failure/,
      /^7:\d+ {2}global\.notifications\[3\]\.type {2}there is another notification named email {2}write a name/,
      /^8:\d+ {2}global\.notifications\[4\]\.strategies\[0\] {2}there is no strategy named "shopp" {2}did you mean shop\?/,
      /^8:\d+ {2}global\.notifications\[4\]\.tags\[0\] {2}no strategy has the tag "nope"/,
      /^9:\d+ {2}global\.notifications\[5\]\.config\.url {2}/,
      /^10:\d+ {2}global\.notifications\[6\]\.config\.url {2}is missing/,
      /^10:\d+ {2}global\.notifications\[6\]\.config\.urll {2}unknown key {2}did you mean url\?/,
      /^11:\d+ {2}global\.notifications\[7\]\.name {2}slack is Slack/,
      /^12:\d+ {2}global\.notifications\[8\]\.config\.url {2}127\.0\.0\.1 is an address of this host {2}only public hosts/,
      /^13:\d+ {2}global\.notifications\[9\]\.config {2}a beat is of the whole service/,
      /^14:\d+ {2}global\.notifications\[10\]\.config {2}drills have a rhythm of their own/,
    ]
    for (const pattern of expected)
      assert.ok(
        wrong.some((line) => pattern.test(line)),
        `${String(pattern)} in\n${wrong.join('\n')}`,
      )
    assert.equal(wrong.length, expected.length, wrong.join('\n'))
  })

  for (const [config, pattern] of [
    [`${mail}, username: me`, /password is missing {2}write username and password, or none/],
    [`${mail}, tls: none, username: me, password: secret`, /unencrypted {2}write tls: starttls/],
    [`${mail}, smtp_port: 465, tls: starttls`, /port 465 is encrypted from the first byte/],
    ['smtp_host: smtp.example.com, from: b@example.com, to: [ops]', /"ops" is not an address/],
    ['smtp_host: "smtp://x", from: b@example.com, to: a@example.com', /smtp_host is not a host/],
    [`${mail}, smtp_port: 0`, /0 is too small/],
  ] as const)
    test(`email { ${config} } is a mistake`, () => {
      const [first = ''] = mistakes([`- { type: email, config: { ${config} } }`])
      assert.match(first, pattern)
    })
})
