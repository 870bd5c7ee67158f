import type { Row } from './row.ts'

const dumpFaults = 'engine/dump-faults.test.ts'
const database = 'faults/database.test.ts'
const postgres = 'sources/postgres/faults.test.ts'
const restoring = 'sources/postgres/restore.test.ts'

export const databaseFaults: readonly Row[] = [
  {
    fault: 'the server restarts in the middle of a dump',
    by: [[database, 'the server restarts in the middle of a dump: the next attempt is the backup']],
    torture: ['the database server crashes and restarts', 'server sessions are terminated'],
  },
  {
    fault: 'the tunnel is cut in the middle of a dump',
    by: [['engine/tunnels.test.ts', 'cut in the middle, the retry succeeds']],
  },
  {
    fault: 'a jump host shows another key, refuses ours, or is away',
    by: [
      ['engine/tunnels.test.ts', 'a changed host key fails the run at once, and says what to compare'],
      [
        'tunnels/ssh.test.ts',
        'a jump host that refuses the key, has another one or is away is told by its name',
      ],
    ],
  },
  {
    fault: 'a lock is held',
    by: [
      [postgres, 'a table that stays locked ends the dump with its name'],
      ['sources/sqlite/sqlite.test.ts', 'a writer that never lets go is told after lock_timeout'],
    ],
    torture: ['a table is locked'],
  },
  { fault: 'wrong password', by: [[dumpFaults, 'a wrong password is told at once and not tried again']] },
  {
    fault: 'no right on one table',
    by: [[postgres, 'a user without rights is told which table, and what to grant']],
  },
  {
    fault: 'the schema changes during the dump',
    by: [
      [
        database,
        'a table that is dropped or changed while the dump waits for it is dumped as one or the other, or told',
      ],
    ],
    torture: ['the schema changes during the dump'],
  },
  { fault: 'huge rows', by: [[database, 'one row of 60 MB is dumped, proved and restored as it is']] },
  {
    fault: '100,000 tables',
    by: [[database, 'tables are dumped and counted, and the messages about them stay short']],
  },
  { fault: 'odd names', by: [[postgres, 'is dumped, proved and restored as itself']] },
  {
    fault: 'other encodings',
    by: [
      [database, 'a LATIN1 database with odd names and letters comes back letter for letter'],
      [restoring, 'encoding and locale of the dump are kept'],
    ],
  },
  {
    fault: 'a client older than the server',
    by: [
      [dumpFaults, 'a client older than the server is refused before a byte'],
      ['sources/postgres/tools.test.ts', 'a restore without a new enough pg_restore is blocked in the plan'],
    ],
  },
  {
    fault: 'an extension is missing on the target',
    by: [
      [database, 'an extension that is missing on the target fails the restore by name and leaves no target'],
    ],
  },
  {
    fault: 'the target is busy or not empty',
    by: [
      [restoring, 'two restores into one target exclude each other'],
      [restoring, 'is not empty'],
    ],
  },
]
