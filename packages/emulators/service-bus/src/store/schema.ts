/** Tables of a data directory. One row per message; the newest state of each is written, not its history. */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS queues (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    requires_session INTEGER NOT NULL,
    next_sequence_number INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY,
    queue_id INTEGER NOT NULL,
    sequence_number INTEGER NOT NULL,
    state INTEGER NOT NULL,
    delivery_count INTEGER NOT NULL,
    enqueued_at INTEGER NOT NULL,
    expires_at INTEGER,
    scheduled_for INTEGER,
    ttl INTEGER,
    original_sequence_number INTEGER,
    dead_letter_source TEXT,
    message_id TEXT NOT NULL,
    session_id TEXT,
    content BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS session_states (
    queue_id INTEGER NOT NULL,
    session_id TEXT NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (queue_id, session_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS recent_ids (
    queue_id INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    PRIMARY KEY (queue_id, expires_at, message_id)
  ) STRICT, WITHOUT ROWID;
`;
