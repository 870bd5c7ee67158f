import assert from 'node:assert/strict'
import { test } from 'node:test'
import { people, sentence } from '../../../src/slack/blocks/words.ts'

test('a fault is told as a sentence; names of programs, hosts and files stay as they are', () => {
  assert.equal(sentence('check the password'), 'Check the password.')
  assert.equal(sentence('shop: gone…'), 'Shop: gone…')
  assert.equal(sentence('pg_dump is not installed'), 'pg_dump is not installed.')
  assert.equal(sentence('db.example.com:5432 did not answer'), 'db.example.com:5432 did not answer.')
  assert.equal(sentence('make the folder: mkdir -p /mnt/backups'), 'Make the folder: mkdir -p /mnt/backups')
})

test('people are named as Slack names them, with @ before their id or without; other capitals stay', () => {
  assert.equal(
    people('x is pinned without end by U0ALICE01; cancelled by @W0BOB0001, by UNKNOWNS and by root'),
    'x is pinned without end by <@U0ALICE01>; cancelled by <@W0BOB0001>, by UNKNOWNS and by root',
  )
})
