import { gzip } from '../../src/filters/gzip.ts'
import { zstd } from '../../src/filters/zstd.ts'
import { filterContract } from '../contracts/filter.ts'

const heads = {
  gzip: Buffer.from('1f8b08000000', 'hex'),
  zstd: Buffer.from('28b52ffd0458', 'hex'),
  'pg_dump custom': Buffer.from('PGDMP\u0001'),
  SQLite: Buffer.from('SQLite'),
  age: Buffer.from('age-en'),
  'old compress': Buffer.from('1f9d90000000', 'hex'),
  'too short': Buffer.from('1f8b', 'hex'),
}

filterContract({
  filter: gzip,
  encoders: [
    ['gzip', '-c'],
    ['pigz', '-c'],
  ],
  decoders: [
    ['gzip', '-dc'],
    ['pigz', '-dc'],
  ],
  levels: { lowest: 1, highest: 9 },
  others: { ...heads, gzip: heads.zstd },
})

filterContract({
  filter: zstd,
  encoders: [
    ['zstd', '-q', '-c'],
    ['zstd', '-q', '-c', '--no-check', '-T0', '-1'],
  ],
  decoders: [['zstd', '-q', '-dc']],
  levels: { lowest: 1, highest: 19 },
  others: { ...heads, zstd: heads.gzip },
})
