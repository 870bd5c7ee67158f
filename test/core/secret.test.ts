import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createScrub } from '../../src/core/secret.ts'

const secret = fc
  .string({ unit: 'grapheme', minLength: 4, maxLength: 40 })
  .filter((text) => !/^\*+$/.test(text))
const words = fc.string({ unit: 'grapheme', maxLength: 20 })

test('no form of a secret survives, wherever it stands', () => {
  fc.assert(
    fc.property(secret, words, words, (hidden, before, after) => {
      const scrub = createScrub([hidden])
      for (const form of formsOf(hidden)) {
        const left = scrub(before + form + after).replaceAll('***', '')
        assert.ok(!left.includes(form) || (before + after).includes(form) || form.length < 4, form)
      }
    }),
  )
})

test('each form in which a password leaves is blanked out', () => {
  const password = `p@ss:w/rd "it's" \\ 100%`
  const scrub = createScrub([password])
  for (const form of formsOf(password)) assert.equal(scrub(`<${form}>`), '<***>', form)
})

test('of two secrets the longer one goes whole', () => {
  assert.equal(createScrub(['abcd', 'abcdefgh'])('x abcdefgh y abcd'), 'x *** y ***')
})

test('a secret that ends in half a character is hidden, and stops nothing', () => {
  const scrub = createScrub(['pass\ud83dword', 'tail\udc00'])
  assert.equal(scrub('a pass\ud83dword, a tail\udc00'), 'a ***, a ***')
})

test('secrets are taken literally, not as patterns', () => {
  const scrub = createScrub(['a.*c', '(((('])
  assert.equal(scrub('abbc a.*c (((('), 'abbc *** ***')
})

test('a text without secrets stays as it is, and words too short to be secret too', () => {
  assert.equal(createScrub([])('all of it'), 'all of it')
  assert.equal(createScrub(['of', ''])('all of it'), 'all of it')
})

function formsOf(text: string): string[] {
  return [
    text,
    encodeURIComponent(text.toWellFormed()),
    JSON.stringify(text).slice(1, -1),
    Buffer.from(text).toString('base64'),
    Buffer.from(text).toString('base64url'),
    text.replaceAll("'", "''"),
    text.replaceAll('"', '""'),
    text.replaceAll("'", `'\\''`),
    text.replace(/[\\']/g, '\\$&'),
  ]
}

test('a private key of age is blanked out although nobody configured it', () => {
  const scrub = createScrub([])
  for (const key of [
    'AGE-SECRET-KEY-1QQPZRY9X8',
    'age-secret-key-1qqpzry9x8',
    'AGE-SECRET-KEY-PQ-1QQPZRY9X8',
  ])
    assert.equal(
      scrub(`Invalid checksum in ${key}: expected "abc"`),
      'Invalid checksum in ***: expected "abc"',
    )
})

test('what makes a signed link work is blanked out, whichever place signed it', () => {
  const scrub = createScrub([])
  for (const [link, shown] of [
    ['https://a/b?X-Amz-Signature=0f&x=1', 'https://a/b?X-Amz-Signature=***&x=1'],
    ['https://a/b?X-Goog-Expires=9&X-Goog-Signature=0f', 'https://a/b?X-Goog-Expires=9&X-Goog-Signature=***'],
    ['https://a/b?sv=2026&sig=aB%2F%3D&se=1', 'https://a/b?sv=2026&sig=***&se=1'],
    ['the design=new and sig=x', 'the design=new and sig=x'],
  ] as const)
    assert.equal(scrub(link), shown)
})
