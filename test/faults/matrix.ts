/** One fault, and how it is known that it is survived. */
export interface Row {
  fault: string
  /** File below `test/` and the title of a test in it, or a part that is in its text. */
  by?: readonly (readonly [file: string, title: string])[]
  /** Kinds of the torture that do it at random moments, too. */
  torture?: readonly string[]
  /** The feature it waits for. */
  later?: string
}

const dumpFaults = 'engine/dump-faults.test.ts'
const process = 'sys/process.test.ts'
const places = 'engine/places.test.ts'
const disk = 'faults/disk.test.ts'
const localFaults = 'storages/local-faults.test.ts'
const announcer = 'slack/announcer.test.ts'
const connection = 'slack/connection.test.ts'
const app = 'slack/app.test.ts'
const database = 'faults/database.test.ts'
const postgres = 'sources/postgres/faults.test.ts'
const restoring = 'sources/postgres/restore.test.ts'
const time = 'faults/time.test.ts'
const scheduler = 'engine/scheduler.test.ts'
const requests = 'engine/restore-requests.test.ts'
const s3 = 'faults/s3.test.ts'
const hostile = 'fuzz/hostile.test.ts'

/** The faults to survive, area by area. `docs/faults.md` is made from this; a test fails when a title here is not there. */
export const matrix: Readonly<Record<string, readonly Row[]>> = {
  Process: [
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
  ],
  Disk: [
    {
      fault: 'temp_dir is full',
      by: [[places, 'temp_dir: the run says so, nothing is left, and once there is room the next one works']],
      torture: ['temp is full'],
    },
    {
      fault: 'the state’s disk is full',
      by: [
        [disk, 'its disk is full: what runs ends, and after there is room nothing is missing'],
        ['engine/ends.test.ts', 'a state disk that is full for a while delays the end, and loses nothing'],
      ],
      torture: ['state is full'],
    },
    {
      fault: 'a local storage is full',
      by: [
        [places, 'storage: the run says so, the backups before it are whole, and nothing partial is left'],
        [localFaults, 'a full disk is told as such, nothing is left behind, and earlier objects are whole'],
      ],
      torture: ['storage is full'],
    },
    {
      fault: 'ENOSPC or EIO on write, fsync, link, rename, unlink',
      by: [
        [disk, 'ends in a whole backup or none, and the next one works'],
        [localFaults, 'and leaves nothing behind'],
      ],
    },
    { fault: 'a short write', by: [[localFaults, 'a limit on file size is not mistaken for success']] },
    {
      fault: 'remounted read-only',
      by: [
        [places, 'read-only: denied, not tried again'],
        [localFaults, 'a disk mounted read-only is denied, with what to do'],
      ],
      torture: ['the storage becomes read-only'],
    },
    {
      fault: 'the storage folder is replaced by a link',
      by: [
        [disk, 'replaced by a link to somewhere else: nothing is written there'],
        [disk, 'folder replaced by a link: refused, and nothing is written or removed behind it'],
      ],
    },
    {
      fault: 'the storage is not mounted',
      by: [
        [
          places,
          'the disk is not mounted: the marker is missing, and nothing is written into the mount point',
        ],
      ],
      torture: ['the storage is unmounted'],
    },
    {
      fault: 'the state database is corrupt or cut',
      by: [['state/database.test.ts', 'it says so, what to do, and leaves it as it is']],
    },
    {
      fault: 'the state database is older than the storage',
      by: [
        [
          disk,
          'older than the storage, as after a restored snapshot: what was backed up since is found again',
        ],
      ],
    },
    {
      fault: 'the state database is gone',
      by: [[places, 'on an empty machine it is what it was before, verdicts included']],
    },
  ],
  'Network and S3': [
    {
      fault: '500, 503 and 429 in bursts',
      by: [
        [s3, 'a burst of 503'],
        [s3, 'a burst of 500'],
        [s3, 'a burst of 429'],
      ],
      torture: ['S3 answers in bursts of 503 and 500'],
    },
    {
      fault: 'reset at byte N',
      by: [[s3, 'a request cut at byte 2,000,000']],
      torture: ['S3 cuts requests at random bytes', 'S3 is away'],
    },
    {
      fault: 'the reply is lost after PUT, a part and CompleteMultipartUpload',
      by: [
        [s3, 'the answer to a PUT lost'],
        [s3, 'the answer to a part lost'],
        [s3, 'the answer to CompleteMultipartUpload lost'],
      ],
      torture: ['an answer of S3 is lost after it was done'],
    },
    {
      fault: '200 with an error in it',
      by: [[s3, 'a 200 with an error in it']],
      torture: ['S3 answers 200 with an error in it'],
    },
    {
      fault: 'truncated or altered GET',
      by: [[s3, 'condemns no backup, and reaches no target']],
      torture: ['a download is cut, short or altered'],
    },
    {
      fault: 'a server that never answers',
      by: [[s3, 'a server that never answers is left after its deadline, and the next try works']],
    },
    {
      fault: 'clock skew 403',
      by: [[s3, 'a clock too far off']],
      torture: ['the clock is too far from that of S3'],
    },
    {
      fault: 'expired credentials',
      by: [[s3, 'expired credentials']],
      torture: ['the credentials of S3 have expired'],
    },
    {
      fault: 'writes, deletes or listings denied',
      by: [
        [s3, 'writes denied'],
        [s3, 'deletes denied keep the old backup whole and listed'],
      ],
      torture: ['S3 refuses writes', 'S3 refuses deletes or listings'],
    },
    {
      fault: 'page 3 of a listing fails',
      by: [[s3, 'a listing that fails on page 3 deletes nothing, and is told']],
    },
    {
      fault: 'the bucket is missing or in another region',
      by: [
        [s3, 'the bucket is gone'],
        [s3, 'the bucket is in another region'],
      ],
    },
    {
      fault: 'an object is deleted behind us',
      by: [[s3, 'an object that was deleted behind us is missing, said so, and not offered any more']],
    },
    { fault: 'checksum headers are refused', by: [[s3, 'checksum headers refused']] },
    {
      fault: 'Object Lock',
      by: [['storages/s3-ceph.test.ts', 'what Object Lock keeps is not removed, and the date is said']],
    },
    {
      fault: 'more than 10,000 parts',
      by: [[s3, 'a dump that needs more parts than there may be gets larger parts']],
    },
    { fault: 'TLS of another host', by: [[s3, 'a certificate of another host is refused, and said']] },
    {
      fault: 'one of two places is away',
      by: [
        [
          'engine/several-places.test.ts',
          'one is away: degraded, told without calling anybody, then caught up without a second dump',
        ],
      ],
    },
  ],
  Slack: [
    {
      fault: 'envelopes twice and late',
      by: [
        [app, 'a duplicate envelope is acted on once'],
        [app, 'an envelope that comes again after a restart is acted on once'],
      ],
      torture: ['envelopes come twice or late'],
    },
    {
      fault: 'the socket drops before and after the acknowledgement',
      by: [
        [connection, 'a socket that drops while a command is under way loses no answer'],
        [connection, 'after a dropped or refreshed socket commands are answered again'],
      ],
      torture: ['the socket is cut or refreshed'],
    },
    {
      fault: '429 for minutes, also on the last message',
      by: [
        [announcer, 'a 429 stops that method for as long as Slack says, and nothing else'],
        [announcer, 'a 429 on an edit is told with its time and the receipt is kept'],
        ['engine/deliver.test.ts', 'a fraction of a millisecond to wait stops no delivery'],
      ],
      torture: ['Slack answers badly'],
    },
    {
      fault: 'a post that timed out and arrived',
      by: [
        [announcer, 'a post that was done but not answered is unknown; an edit may simply be repeated'],
        ['engine/deliver.test.ts', 'a post whose outcome is unknown is made once more, not twice'],
      ],
    },
    {
      fault: 'Slack is away for six hours',
      by: [
        ['engine/deliver.test.ts', 'an outage of six hours ends in one post of the newest'],
        [connection, 'Slack being away stops neither the start nor the process'],
      ],
      torture: ['Slack is away'],
    },
    {
      fault: 'channel archived, token revoked, scope missing',
      by: [
        [
          announcer,
          'an archived channel, a revoked token or a missing scope loses nothing: it is tried again',
        ],
        [connection, 'an invalid token leaves the service degraded, and says so once'],
      ],
    },
    {
      fault: 'a message was deleted',
      by: [
        [announcer, 'a deleted message is gone, and can be posted again'],
        ['engine/deliver.test.ts', 'what somebody deleted is posted again'],
      ],
    },
    {
      fault: 'stale, double and foreign clicks',
      by: [
        [requests, 'of twenty clicks at once exactly one starts a restore; the others are told why not'],
        [requests, 'another person is refused, and the request still waits'],
        [requests, 'a card that is out of date is refused'],
        [app, 'a refused or late click gets its reason in private, and the card stays as it is'],
      ],
    },
    { fault: 'unsigned, old, future-dated and replayed HTTP requests', later: 'HTTP mode' },
  ],
  Database: [
    {
      fault: 'the server restarts in the middle of a dump',
      by: [[database, 'the server restarts in the middle of a dump: the next attempt is the backup']],
      torture: ['the database server crashes and restarts', 'server sessions are terminated'],
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
        [
          'sources/postgres/tools.test.ts',
          'a restore without a new enough pg_restore is blocked in the plan',
        ],
      ],
    },
    {
      fault: 'an extension is missing on the target',
      by: [
        [
          database,
          'an extension that is missing on the target fails the restore by name and leaves no target',
        ],
      ],
    },
    {
      fault: 'the target is busy or not empty',
      by: [
        [restoring, 'two restores into one target exclude each other'],
        [restoring, 'is not empty'],
      ],
    },
  ],
  Time: [
    {
      fault: 'DST in New York, Berlin and Lord Howe',
      by: [
        [time, 'a backup at that time runs once'],
        ['core/schedule-years.test.ts', 'loses no slot and doubles none'],
      ],
    },
    {
      fault: 'the clock an hour off',
      by: [
        [time, 'an hour forward runs what was missed once, and an hour back runs nothing twice'],
        [scheduler, 'an hour back never runs a slot again'],
      ],
      torture: ['the clock is an hour ahead', 'the clock is an hour behind'],
    },
    {
      fault: 'ten years ahead',
      by: [
        [time, 'ten years forward start one backup and delete none of the newest; back again slots run on'],
        [scheduler, 'ten years forward start one backup, and back again every slot runs when its time comes'],
        ['engine/deliver.test.ts', 'a clock that was ahead keeps no message waiting for years'],
      ],
    },
    {
      fault: '1970',
      by: [
        [time, '1970 starts nothing twice, and deletes nothing'],
        [scheduler, '1970 and back loses nothing and runs nothing twice'],
      ],
    },
    {
      fault: 'asleep for eight hours',
      by: [[time, 'after eight hours of sleep one slot is caught up, and each other one is recorded']],
    },
  ],
  'At rest': [
    {
      fault: 'flipped, cut, extended, swapped, replayed objects and edited manifests',
      by: [
        [
          'engine/mutations.test.ts',
          'random mutations of stored objects are refused before a byte reaches a target',
        ],
        [requests, 'a broken backup reaches no target: it is marked, and the older good one is named'],
        [places, 'a manifest that was edited is refused, and said; so is one that was moved'],
      ],
      torture: ['a stored object is damaged', 'a backup is removed behind us'],
    },
    { fault: 'a wrong or lost key', later: 'encryption' },
  ],
  'Hostile input': [
    {
      fault: 'YAML bombs, duplicate keys, `__proto__`',
      by: [
        [hostile, 'configuration files (15 %)'],
        ['config/document.test.ts', 'aliases that multiply are refused before they fill the memory'],
        [
          'config/mutations.test.ts',
          'whatever happens to a file, it loads or its mistakes are listed, within 50 ms',
        ],
      ],
    },
    {
      fault: '4 KB of unicode, `../../etc`, `host=evil dbname=x` in commands',
      by: [
        [hostile, 'what is typed into Slack (40 %)'],
        [hostile, 'arguments of the command line (15 %)'],
        ['commands/words.test.ts', 'whatever is typed is understood or refused with a Fault, at once'],
      ],
    },
    {
      fault: 'names that climb or steer',
      by: [
        [hostile, 'names, keys and ids (20 %)'],
        [
          'contracts/storage.ts',
          'a key that is absolute, climbs, is odd or too long is refused by every operation',
        ],
        [postgres, 'host=evil.invalid dbname=x'],
      ],
    },
    {
      fault: 'mention bombs in commands and in error text of databases',
      by: [
        ['slack/blocks/limits.test.ts', 'every message fits Slack and mentions nobody by accident'],
        [hostile, 'what is typed into Slack (40 %)'],
      ],
    },
    { fault: 'bytes sent to the HTTP server', by: [[hostile, 'bytes sent to the HTTP server (10 %)']] },
    { fault: 'a webhook to 169.254.169.254, by redirect and rebinding too', later: 'webhooks' },
  ],
}
