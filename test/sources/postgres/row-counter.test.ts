import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countNewlines } from '../../../src/sources/postgres/newlines.ts'
import { createRowCounter } from '../../../src/sources/postgres/row-counter.ts'
import { randomFrom, seedOf } from '../../support/random.ts'

const text = `--
-- PostgreSQL database dump
--
\\restrict x;'"

SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
-- Data for Name: it's; "COPY"; Type: TABLE DATA; Owner: -
COPY public."it's; ""odd""
COPY public.x (a) FROM stdin;" (a, "FROM stdin;") FROM stdin;
1\t\\N

\\\\.
.\\.
\\.


COPY public.empty  FROM stdin;
\\.
COPY public.root (a) FROM stdin;
1
\\.
COPY public.root (a) FROM stdin;
2
3
\\.

SELECT pg_catalog.lowrite(0, '\\x00');
SELECT pg_catalog.setval('public."a''
COPY public.lie (a) FROM stdin;
1
"', 1, true);
COPY sales.ünïcode (a) FROM stdin;
${'ü\n'.repeat(300)}\\.
\\unrestrict x
`
const expected = [
  { name: 'public."it\'s; ""odd""\nCOPY public.x (a) FROM stdin;"', rows: 4 },
  { name: 'public.empty', rows: 0 },
  { name: 'public.root', rows: 3 },
  { name: 'sales.ünïcode', rows: 300 },
]

test('rows are counted the same however the text is cut into chunks', (t) => {
  const bytes = Buffer.from(text)
  for (let size = 1; size < 40; size++)
    assert.deepEqual(
      count(bytes, () => size),
      done(),
      `chunks of ${size}`,
    )
  const random = randomFrom(seedOf(t))
  for (let round = 0; round < 200; round++)
    assert.deepEqual(
      count(bytes, () => 1 + Math.floor(random() * 200)),
      done(),
    )
})

function done() {
  return { tables: expected, complete: true }
}

test('a text that stops inside a table, a statement or a quote is incomplete', () => {
  for (const cut of [
    'COPY public.x (a) FROM stdin;\n1\n',
    'COPY public.x (a)',
    "SELECT '",
    'COPY public.x (a) FROM stdin;\n\\.',
  ])
    assert.equal(count(Buffer.from(cut), () => 7).complete, false, cut)
})

test('newlines are counted at every offset and length, beside every other byte', (t) => {
  const random = randomFrom(seedOf(t))
  const bytes = Buffer.from(
    Array.from({ length: 700 }, () => [10, 11, 9, 0, 138, 255, 74][Math.floor(random() * 7)]!),
  )
  for (let from = 0; from < 20; from++)
    for (let to = from; to < bytes.length; to += 13) {
      const slow = bytes.subarray(from, to).filter((byte) => byte === 10).length
      assert.equal(countNewlines(bytes, from, to), slow)
      assert.equal(
        countNewlines(bytes.subarray(1), Math.max(0, from - 1), Math.max(0, to - 1)),
        bytes.subarray(Math.max(1, from), Math.max(1, to)).filter((byte) => byte === 10).length,
      )
    }
})

function count(bytes: Buffer, nextSize: () => number) {
  const counter = createRowCounter()
  for (let at = 0; at < bytes.length;) {
    const size = nextSize()
    counter.take(bytes.subarray(at, at + size))
    at += size
  }
  return counter.end()
}
