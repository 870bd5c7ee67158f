import { DatabaseSync } from 'node:sqlite'

/** Two small SQLite files with something to find for a restore drill. */

/** A mailing list with a mistake in it: twelve people were written to after they had left. */
export function createNewsletter(path: string): void {
  create(
    path,
    `CREATE TABLE subscribers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, left_at TEXT);
     CREATE TABLE mails (id INTEGER PRIMARY KEY, subject TEXT NOT NULL, sent_at TEXT NOT NULL);
     CREATE TABLE deliveries (mail_id INTEGER NOT NULL REFERENCES mails,
       subscriber_id INTEGER NOT NULL REFERENCES subscribers, PRIMARY KEY (mail_id, subscriber_id));
     INSERT INTO subscribers SELECT value, 'reader' || value || '@example.org',
       CASE WHEN value % 50 = 0 THEN date('now', '-3 days') END FROM ${count(600)};
     INSERT INTO mails SELECT value, 'News of week ' || value, date('now', '-' || ((12 - value) * 7) || ' days') FROM ${count(12)};
     INSERT INTO deliveries SELECT mails.id, subscribers.id FROM mails, subscribers`,
  )
}

/** Salaries, which nobody who finds the disk should read. */
export function createPayroll(path: string): void {
  create(
    path,
    `CREATE TABLE employees (id INTEGER PRIMARY KEY, name TEXT NOT NULL, since TEXT NOT NULL);
     CREATE TABLE payslips (employee_id INTEGER NOT NULL REFERENCES employees, month TEXT NOT NULL,
       amount_cents INTEGER NOT NULL, PRIMARY KEY (employee_id, month));
     INSERT INTO employees SELECT value, 'Employee ' || value, date('now', '-' || (value * 31) || ' days') FROM ${count(48)};
     INSERT INTO payslips SELECT employees.id, strftime('%Y-%m', 'now', '-' || month.value || ' months'),
       280000 + employees.id * 3700 % 210000 FROM employees, ${count(12)} AS month`,
  )
}

function create(path: string, statements: string): void {
  const database = new DatabaseSync(path)
  try {
    database.exec(`BEGIN; ${statements}; COMMIT`)
  } finally {
    database.close()
  }
}

/** Rows with the values 1 to `most`. */
function count(most: number): string {
  return `(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ${most}) SELECT value FROM n)`
}
