import { DatabaseSync } from 'node:sqlite'

const contacts = 1800
const companies = [
  'Nordlicht GmbH',
  'Atelier Perrin',
  'Casa Lume',
  'Hearth & Co',
  'Studio Fjord',
  'Kappa Interiors',
]
const firstNames = ['Anna', 'Bruno', 'Clara', 'David', 'Elena', 'Felix', 'Greta', 'Hugo', 'Irene', 'Jakob']
const lastNames = ['Arnaud', 'Berg', 'Costa', 'Dahl', 'Evans', 'Ferrari', 'Gruber', 'Holm', 'Ito', 'Jung']
const stages = ['new', 'talking', 'offer sent', 'won', 'lost']
const notes = [
  'Called; wants a quote for 40 chairs by Friday.',
  'Asked whether the walnut series comes back in spring.',
  'Invoice paid, thanked for the fast delivery.',
  'Prefers email. Do not call before 10.',
  'Moving to a bigger showroom, meeting on site agreed.',
]

/** Contacts, deals and notes of a small sales team in one SQLite file. */
export function createCrm(path: string, now: number): void {
  const database = new DatabaseSync(path)
  try {
    database.exec(`PRAGMA journal_mode = WAL;
      CREATE TABLE companies (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
      CREATE TABLE contacts (id INTEGER PRIMARY KEY, company_id INTEGER NOT NULL REFERENCES companies,
        name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL);
      CREATE TABLE deals (id INTEGER PRIMARY KEY, contact_id INTEGER NOT NULL REFERENCES contacts,
        stage TEXT NOT NULL, amount_cents INTEGER NOT NULL, updated_at TEXT NOT NULL);
      CREATE TABLE notes (id INTEGER PRIMARY KEY, contact_id INTEGER NOT NULL REFERENCES contacts,
        body TEXT NOT NULL, written_at TEXT NOT NULL);
      CREATE INDEX deals_by_contact ON deals (contact_id);
      CREATE INDEX notes_by_contact ON notes (contact_id);
      BEGIN`)
    fill(database, now)
    database.exec('COMMIT')
  } finally {
    database.close()
  }
}

function fill(database: DatabaseSync, now: number): void {
  const company = database.prepare('INSERT INTO companies (name) VALUES (?)')
  for (const name of companies) company.run(name)
  const contact = database.prepare(
    'INSERT INTO contacts (company_id, name, email, created_at) VALUES (?, ?, ?, ?)',
  )
  const deal = database.prepare(
    'INSERT INTO deals (contact_id, stage, amount_cents, updated_at) VALUES (?, ?, ?, ?)',
  )
  const note = database.prepare('INSERT INTO notes (contact_id, body, written_at) VALUES (?, ?, ?)')
  for (let n = 1; n <= contacts; n++) {
    const at = (days: number): string => new Date(now - days * 86_400_000).toISOString()
    const name = `${nth(firstNames, n * 7)} ${nth(lastNames, n * 13 + Math.floor(n / 10))}`
    const email = `${name.toLowerCase().replace(' ', '.')}.${n}@example.org`
    contact.run(1 + (n % companies.length), name, email, at((n * 37) % 700))
    deal.run(n, nth(stages, n * 3), 25_000 + ((n * 7919) % 900_000), at((n * 11) % 300))
    for (let each = 0; each < 1 + (n % 3); each++)
      note.run(n, nth(notes, n + each), at((n * 5 + each * 9) % 200))
  }
}

function nth(list: readonly string[], n: number): string {
  return list[n % list.length]!
}
