import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { sqlite } from '../../../src/sources/sqlite/index.ts'
import { sourceContract, temporary } from '../../contracts/source.ts'
import { fileUrl, keepWriting, rowsOf } from './files.ts'

sourceContract({
  driver: sqlite,
  badUrls: [
    'sqlite:relative.db',
    'sqlite://host/x.db',
    'sqlite:///folder/',
    'sqlite:///%zz',
    'sqlite:///a?mode=rw',
  ],
  secretOf: () => null,
  missingUrl: () => fileUrl('/no-such-folder/shop.db'),
  content: async (url, place) => rowsOf(place ?? fileURLToPath(url.replace('sqlite:', 'file:'))),
  exists: async (_url, place) => existsSync(place),

  async make(t) {
    const file = join(await temporary(t), 'shop.db')
    const database = new DatabaseSync(file)
    database.exec(`
      PRAGMA journal_mode = WAL;
      CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, photo BLOB);
      CREATE TABLE "it's ""odd""; --" (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID;
      CREATE TABLE empty (x);
      CREATE TABLE sums (a INT, b INT, c INT GENERATED ALWAYS AS (a + b) STORED);
      CREATE VIRTUAL TABLE notes USING fts5(text);
      CREATE INDEX by_name ON customers (name);
      CREATE VIEW names AS SELECT name FROM customers;
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
        INSERT INTO customers SELECT i, 'Zoë ' || i || char(10), randomblob(100) FROM n;
      INSERT INTO "it's ""odd""; --" VALUES (1, 'x'), (2, 'y');
      INSERT INTO sums (a, b) VALUES (1, 2);
      INSERT INTO notes VALUES ('find me');`)
    t.after(() => database.close()) // still open, with a log that was not written back
    const shadows = { notes_config: 1, notes_content: 1, notes_data: 3, notes_docsize: 1, notes_idx: 1 }
    const rows = { customers: 2000, empty: 0, 'it\'s "odd"; --': 2, sums: 1, ...shadows }
    const tables = Object.entries(rows).map(([name, count]) => ({ name, rows: count }))
    tables.sort((a, b) => (a.name < b.name ? -1 : 1))
    return { url: fileUrl(file), tables }
  },

  async makeEmpty(t) {
    const file = join(await temporary(t), 'empty.db')
    new DatabaseSync(file).exec('PRAGMA user_version = 1')
    return { url: fileUrl(file), tables: [] }
  },

  async makeBusy(t) {
    const file = join(await temporary(t), 'busy.db')
    return { url: fileUrl(file), tables: [], stop: await keepWriting(file, 'wal') }
  },

  async paste(_url, folder, commands) {
    try {
      execFileSync('sqlite3', ['--version'])
    } catch {
      return null
    }
    for (const command of commands) execFileSync('sh', ['-c', command], { cwd: folder })
    return rowsOf(join(folder, 'restored.db'))
  },
})
