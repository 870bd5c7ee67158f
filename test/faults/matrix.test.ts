import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { faultsPage } from './faults-page.ts'
import { matrix } from './matrix.ts'
import { describe, planRound } from './torture/plan.ts'
import { strikes } from './torture/strikes.ts'

const rows = Object.entries(matrix).flatMap(([area, list]) => list.map((row) => ({ area, ...row })))
const textOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

test('every fault of the list is tried by a test, or names the feature it waits for', () => {
  for (const [area, list] of Object.entries(matrix)) assert.ok(list.length > 0, `${area} is empty`)
  for (const { area, fault, by = [], later } of rows)
    assert.ok(by.length > 0 !== (later !== undefined), `${area}: ${fault} is either tried or waits`)
})

test('every test that the list names is there', () => {
  const missing = rows.flatMap(({ by = [] }) =>
    by.filter(
      ([file, title]) =>
        !existsSync(new URL(`../${file}`, import.meta.url)) || !textOf(`test/${file}`).includes(title),
    ),
  )
  assert.deepEqual(missing, [])
})

test('every kind of the torture that the list names exists, and every kind is on the list or a person’s', () => {
  const named = new Set(rows.flatMap(({ torture = [] }) => torture))
  const kinds = strikes.map(({ kind }) => kind)
  assert.deepEqual(
    [...named].filter((kind) => !kinds.includes(kind)),
    [],
  )
  const unnamed = strikes.filter(({ kind, family }) => !named.has(kind) && family !== 'person')
  assert.deepEqual(
    unnamed.map(({ kind }) => kind),
    [],
  )
})

test('docs/faults.md is as the list makes it', () => {
  assert.ok(textOf('docs/faults.md') === faultsPage(), 'run node scripts/generate-faults-page.ts')
})

test('a round of the torture is the same for the same seed, and every kind comes up', () => {
  const abilities = new Set(['mount', 'faketime'] as const)
  const plan = (number: number): string => describe(planRound(7, number, { abilities, only: null }))
  const seen = Array.from({ length: 400 }, (_, number) => plan(number))
  assert.deepEqual(
    seen,
    Array.from({ length: 400 }, (_, number) => plan(number)),
  )
  for (const { kind } of strikes)
    assert.ok(
      seen.some((round) => round.includes(kind)),
      kind,
    )
})
