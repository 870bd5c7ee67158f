import type { Row } from './row.ts'

const dumpFaults = 'engine/dump-faults.test.ts'
const process = 'sys/process.test.ts'

export const processFaults: readonly Row[] = [
  {
    fault: 'kill -9 at random moments',
    by: [['e2e/kill-9.test.ts', 'random moments every run has one end, told, and nothing is left']],
    torture: ['kill -9', 'a command is killed', 'a command that works alone is killed'],
  },
  {
    fault: 'kill -9 at every durable step',
    by: [
      [
        'engine/recover.test.ts',
        'killed at any durable step has one end after the next start, told, and nothing left',
      ],
      ['engine/several-places-crash.test.ts', 'a backup to two places killed at any durable step goes on'],
      [
        'engine/approvals-crash.test.ts',
        'killed between any two steps of an approval, it is done once or not at all, and always said',
      ],
      [
        'engine/in-place-crash.test.ts',
        'a restore in place killed at each step leaves the old or the new database in place, and says which',
      ],
      ['engine/in-place-crash.test.ts', 'an undo killed at each step has the one or the other in place'],
    ],
  },
  {
    fault: 'kill -9 again during recovery',
    by: [['faults/recovery.test.ts', 'killed again at any durable step of its recovery']],
    torture: ['kill -9, and again while it recovers'],
  },
  {
    fault: 'SIGTERM in the middle of work',
    by: [
      [
        'faults/process.test.ts',
        'SIGTERM in the middle of a dump: it exits 0 in time, and the run is told as interrupted',
      ],
      ['engine/queue.test.ts', 'running work gets its grace, then is interrupted once, and is told'],
    ],
    torture: ['SIGTERM'],
  },
  {
    fault: 'SIGSTOP for longer than anything waits',
    by: [
      [
        'faults/process.test.ts',
        'stopped for longer than anything waits, it keeps its run, and nobody else takes it',
      ],
    ],
    torture: ['SIGSTOP for seconds'],
  },
  {
    fault: 'only the dump tool is killed',
    by: [
      [dumpFaults, 'killed in the middle: the next attempt succeeds'],
      ['sources/postgres/tools.test.ts', 'a pg_dump that is killed is no dump'],
    ],
    torture: ['a tool is killed', 'a tool is stopped, then the service killed'],
  },
  {
    fault: 'a tool hangs and ignores SIGTERM',
    by: [
      [dumpFaults, 'a tool that hangs and ignores TERM is ended by the stall limit'],
      [process, 'a tool that ignores TERM is killed after its grace'],
    ],
  },
  {
    fault: 'a tool exits 0 after half or no output',
    by: [
      [dumpFaults, 'half a dump with exit 0 is found by the proof, twice, and fails'],
      [dumpFaults, 'no output with exit 0 is a failure'],
    ],
  },
  {
    fault: 'a tool exits 1 after full output',
    by: [[dumpFaults, 'exit 1 after full output is a failure']],
  },
  {
    fault: '100 MB on standard error',
    by: [[dumpFaults, '100 MB on standard error do not fail a dump, and only 1 MiB of them is kept']],
  },
  {
    fault: 'a tool is missing',
    by: [
      [process, 'a missing program is told before anything else, whichever stage it is'],
      ['sources/postgres/tools.test.ts', 'no client at all is told with the package to install'],
    ],
  },
  {
    fault: 'two instances on one state folder',
    by: [
      ['cli/beside.test.ts', 'beside a service a run is handed over'],
      ['engine/queue.test.ts', 'two workers on one state carry out each run once'],
    ],
    torture: ['a second instance is started'],
  },
  {
    fault: 'an unhandled rejection',
    by: [
      [
        'faults/process.test.ts',
        'an error that nobody handled is logged, and ends neither the service nor its backups',
      ],
    ],
  },
  {
    fault: 'few file descriptors',
    by: [
      [process, 'too few file descriptors fail the run, not the service'],
      [
        'faults/process.test.ts',
        'with few file descriptors a backup ends well or is told, and the service lives',
      ],
    ],
  },
]
