import { DatabaseSync } from 'node:sqlite'

/** An application that never stops writing: `writer.ts FILE JOURNAL_MODE`. Says `ready` once there is something to copy. */
const [file, journalMode] = process.argv.slice(2)
const database = new DatabaseSync(file!, { timeout: 20_000 })
database.exec(`
  PRAGMA journal_mode = ${journalMode};
  PRAGMA synchronous = OFF;
  CREATE TABLE ledger_a (id INTEGER PRIMARY KEY, text);
  CREATE TABLE ledger_b (id INTEGER PRIMARY KEY, text);
  BEGIN;`)
write(20_000)
database.exec('COMMIT')
process.stdout.write('ready\n')
for (;;) {
  database.exec('BEGIN IMMEDIATE')
  write(3)
  database.exec('COMMIT')
}

function write(rows: number): void {
  for (let i = 0; i < rows; i++) {
    database.exec('INSERT INTO ledger_a (text) VALUES (hex(randomblob(200)))')
    database.exec('INSERT INTO ledger_b (text) VALUES (hex(randomblob(200)))')
  }
}
