/** Each entry brings the state file one version further; entries are never edited once released.
 * Instants are integer milliseconds, objects are JSON text. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  CREATE TABLE runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL, strategy TEXT NOT NULL, series TEXT NOT NULL,
    state TEXT NOT NULL, stage TEXT,
    trigger TEXT NOT NULL, actor TEXT NOT NULL, slot_at INTEGER,
    lease TEXT, params TEXT NOT NULL,
    queued_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER,
    attempt INTEGER NOT NULL, max_attempts INTEGER NOT NULL,
    engine TEXT, progress TEXT, result TEXT, fault TEXT,
    holder TEXT, cancelled_by TEXT
  ) STRICT;
  CREATE INDEX runs_by_state ON runs (state, seq);
  CREATE INDEX runs_by_strategy ON runs (strategy, kind, seq);

  CREATE TABLE leases (key TEXT PRIMARY KEY, run TEXT NOT NULL, holder TEXT NOT NULL, taken_at INTEGER NOT NULL) STRICT;

  CREATE TABLE slots (strategy TEXT NOT NULL, slot_at INTEGER NOT NULL, run TEXT, skipped TEXT, PRIMARY KEY (strategy, slot_at)) STRICT, WITHOUT ROWID;

  CREATE TABLE backups (
    id TEXT NOT NULL, storage TEXT NOT NULL, strategy TEXT NOT NULL, series TEXT NOT NULL,
    created_at INTEGER NOT NULL, stored_bytes INTEGER NOT NULL, level TEXT NOT NULL, corrupt TEXT, is_foreign INTEGER NOT NULL, manifest TEXT NOT NULL,
    PRIMARY KEY (id, storage)
  ) STRICT;
  CREATE INDEX backups_by_series ON backups (strategy, series, created_at);
  CREATE INDEX backups_by_time ON backups (created_at);

  CREATE TABLE messages (
    key TEXT PRIMARY KEY, strategy TEXT, audience TEXT NOT NULL, parent TEXT, priority INTEGER NOT NULL,
    version INTEGER NOT NULL, body TEXT NOT NULL, changed_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE deliveries (
    key TEXT NOT NULL, notifier TEXT NOT NULL, sent_version INTEGER NOT NULL, receipt TEXT,
    tries INTEGER NOT NULL, unknowns INTEGER NOT NULL, retry_at INTEGER NOT NULL, refused TEXT,
    PRIMARY KEY (key, notifier)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE requests (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, state TEXT NOT NULL, requester TEXT NOT NULL, reason TEXT,
    ask TEXT NOT NULL, plan TEXT NOT NULL, config_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    decided_by TEXT, decided_at INTEGER, run TEXT, fault TEXT
  ) STRICT;
  CREATE INDEX requests_by_state ON requests (state, expires_at);

  CREATE TABLE seen (key TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX seen_by_time ON seen (at);
  `,
  `ALTER TABLE slots ADD COLUMN recorded_at INTEGER NOT NULL DEFAULT 0;`,
  `
  CREATE TABLE pins (backup TEXT PRIMARY KEY, until INTEGER, note TEXT, by TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
  CREATE TABLE pauses (strategy TEXT PRIMARY KEY, until INTEGER, by TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
  CREATE TABLE uploads (
    storage TEXT NOT NULL, key TEXT NOT NULL, upload TEXT NOT NULL, run TEXT NOT NULL, begun_at INTEGER NOT NULL,
    PRIMARY KEY (storage, key, upload)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE owed (
    backup TEXT NOT NULL, storage TEXT NOT NULL, since INTEGER NOT NULL, tries INTEGER NOT NULL, retry_at INTEGER NOT NULL, why TEXT NOT NULL,
    PRIMARY KEY (backup, storage)
  ) STRICT, WITHOUT ROWID;
  ALTER TABLE requests ADD COLUMN kind TEXT NOT NULL DEFAULT 'restore';
  `,
  `
  DROP INDEX backups_by_time;
  CREATE INDEX backups_listed ON backups (created_at, id);
  CREATE INDEX backups_of_strategy ON backups (strategy, created_at, id);
  CREATE INDEX backups_in_storage ON backups (storage, created_at, id);
  CREATE INDEX backups_by_level ON backups (level, created_at, id);
  CREATE INDEX backups_corrupt ON backups (created_at, id) WHERE corrupt IS NOT NULL;
  CREATE INDEX backups_foreign ON backups (created_at, id) WHERE is_foreign = 1;
  CREATE INDEX runs_by_outcome ON runs (kind, state, queued_at, id);
  CREATE INDEX runs_of_strategy_by_outcome ON runs (strategy, kind, state, queued_at, id);
  `,
  `
  CREATE INDEX runs_of_strategy_newest ON runs (strategy, seq);
  CREATE INDEX runs_of_strategy_in_state ON runs (strategy, kind, state, seq);
  `,
  `
  ALTER TABLE messages ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX messages_by_change ON messages (seq);
  `,
  `
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, act TEXT NOT NULL, strategy TEXT, subject TEXT,
    plan_digest TEXT, reason TEXT, result TEXT NOT NULL, detail TEXT, link TEXT, prev TEXT NOT NULL, hash TEXT NOT NULL
  ) STRICT;
  CREATE INDEX audit_by_strategy ON audit (strategy, seq);
  `,
  `
  ALTER TABLE requests ADD COLUMN needs TEXT;
  ALTER TABLE requests ADD COLUMN decision TEXT;
  ALTER TABLE requests ADD COLUMN start_by INTEGER;
  ALTER TABLE requests ADD COLUMN broke_glass INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE requests ADD COLUMN reviewed_by TEXT;
  ALTER TABLE requests ADD COLUMN reviewed_at INTEGER;
  ALTER TABLE requests ADD COLUMN pings INTEGER NOT NULL DEFAULT 0;
  UPDATE requests SET state = 'planned' WHERE kind = 'restore' AND state = 'waiting';
  UPDATE requests SET state = 'approved' WHERE state = 'executing' AND run IN (SELECT id FROM runs WHERE state = 'queued');
  `,
  `
  CREATE TABLE incidents (
    id TEXT PRIMARY KEY, subject TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, strategy TEXT NOT NULL,
    opened_at INTEGER NOT NULL, closed_at INTEGER, facts TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX incidents_open ON incidents (subject) WHERE state = 'open';
  CREATE INDEX incidents_closed ON incidents (closed_at);
  DELETE FROM deliveries WHERE key LIKE 'overdue/%';
  DELETE FROM messages WHERE key LIKE 'overdue/%';
  `,
  `
  CREATE TABLE swaps (
    run TEXT PRIMARY KEY, request TEXT, strategy TEXT NOT NULL, endpoint TEXT NOT NULL, name TEXT NOT NULL, beside TEXT NOT NULL,
    kept TEXT NOT NULL, old_id TEXT, new_id TEXT, state TEXT NOT NULL, in_place TEXT NOT NULL, version INTEGER NOT NULL,
    worked_on_by TEXT NOT NULL, safety TEXT, result TEXT, by TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER, retry_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX swaps_unended ON swaps (strategy, at) WHERE state <> 'ended';
  `,
  `
  CREATE INDEX deliveries_in_slack ON deliveries (json_extract(receipt, '$.ts')) WHERE notifier = 'slack';
  `,
  `
  ALTER TABLE backups ADD COLUMN odd TEXT;
  ALTER TABLE backups ADD COLUMN read_at INTEGER;
  CREATE INDEX backups_unread ON backups (storage, coalesce(read_at, created_at)) WHERE corrupt IS NULL AND is_foreign = 0;
  `,
  `
  CREATE TABLE deletions (
    backup TEXT NOT NULL, storage TEXT NOT NULL, strategy TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX deletions_by_time ON deletions (at);
  `,
  `
  ALTER TABLE backups ADD COLUMN tried_at INTEGER;
  ALTER TABLE backups ADD COLUMN unread_since INTEGER;
  DROP INDEX backups_unread;
  CREATE INDEX backups_unread ON backups (storage, coalesce(tried_at, read_at, created_at)) WHERE corrupt IS NULL AND is_foreign = 0;
  CREATE INDEX backups_tried ON backups (storage, tried_at) WHERE tried_at IS NOT NULL;
  `,
  `
  CREATE TABLE clones (
    run TEXT PRIMARY KEY, strategy TEXT NOT NULL, place TEXT NOT NULL, endpoint TEXT NOT NULL, name TEXT NOT NULL, beside TEXT NOT NULL,
    kept TEXT NOT NULL, old_id TEXT, new_id TEXT, state TEXT NOT NULL, backup TEXT NOT NULL, result TEXT, by TEXT NOT NULL,
    at INTEGER NOT NULL, drop_after_ms INTEGER, until INTEGER, retry_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX clones_unended ON clones (strategy, at) WHERE state <> 'ended';
  `,
  `
  CREATE TABLE series (
    strategy TEXT NOT NULL, name TEXT NOT NULL, is_globals INTEGER NOT NULL, seen_at INTEGER NOT NULL, gone_at INTEGER,
    PRIMARY KEY (strategy, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX runs_of_series ON runs (strategy, series, kind, seq);
  `,
  `
  ALTER TABLE clones ADD COLUMN server TEXT;
  `,
]
