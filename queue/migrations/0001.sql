-- Times are UTC milliseconds, 0 where there is none. Amounts are fen.
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sales (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of acceptance
  sale_id     TEXT NOT NULL UNIQUE,
  digest      TEXT NOT NULL,
  body        TEXT NOT NULL CHECK (json_valid(body)),
  total       INTEGER NOT NULL CHECK (total BETWEEN 0 AND 99999999999999),
  wish        TEXT NOT NULL CHECK (wish IN ('qr','none')),
  view        TEXT NOT NULL CHECK (view IN ('queued','qr_ready','invoicing','invoiced','auth_required','invoice_failed','expired',
                'cancelled','voided','partly_red','red_flushed','rejected','recorded')),
  problem     TEXT NOT NULL DEFAULT '',
  accepted_at INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX sales_view ON sales (view, seq);

CREATE TABLE qrs (
  sale         INTEGER NOT NULL REFERENCES sales (seq),
  gen          INTEGER NOT NULL CHECK (gen BETWEEN 0 AND 31),
  no           TEXT NOT NULL UNIQUE CHECK (length(no) = 20),
  amount       INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 9999999999),
  state        TEXT NOT NULL CHECK (state IN ('ready','in_flight','unknown','active','submitted','consumed','voiding','voided',
                 'cancelled','expired','rejected')),
  url          TEXT NOT NULL DEFAULT '',
  extract_code TEXT NOT NULL DEFAULT '',
  expires_at   INTEGER NOT NULL,
  fetched_at   INTEGER NOT NULL DEFAULT 0,
  void_tries   INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (sale, gen)
) STRICT, WITHOUT ROWID;

CREATE TABLE invoices (
  sale         INTEGER NOT NULL REFERENCES sales (seq),
  serial       TEXT NOT NULL CHECK (length(serial) BETWEEN 1 AND 64),
  gen          INTEGER NOT NULL,
  kind         TEXT NOT NULL CHECK (kind IN ('blue','red')),
  refund_id    TEXT NOT NULL DEFAULT '',
  state        TEXT NOT NULL CHECK (state IN ('ready','in_flight','unknown','issuing','failed','withdrawn','blocked_auth','issued',
                 'red_pending','red_partial','red_full')),
  amount       INTEGER NOT NULL,
  net          INTEGER NOT NULL DEFAULT 0,
  tax          INTEGER NOT NULL DEFAULT 0,
  number       TEXT NOT NULL DEFAULT '',
  code         TEXT NOT NULL DEFAULT '',
  no           TEXT NOT NULL DEFAULT '',
  issued_at    INTEGER NOT NULL DEFAULT 0,
  download_url TEXT NOT NULL DEFAULT '',
  msg          TEXT NOT NULL DEFAULT '',
  sent_at      INTEGER NOT NULL DEFAULT 0,
  misses       INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (sale, serial),
  CHECK (kind = 'blue' AND state NOT IN ('ready','in_flight','unknown') OR kind = 'red' AND state NOT LIKE 'red_%')
) STRICT, WITHOUT ROWID;

CREATE TABLE refunds (
  refund_id  TEXT PRIMARY KEY,
  sale       INTEGER NOT NULL REFERENCES sales (seq),
  digest     TEXT NOT NULL,
  body       TEXT NOT NULL CHECK (json_valid(body)),
  amount     INTEGER NOT NULL CHECK (amount > 0),
  reason     TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('requested','wait_certainty','wait_void','wait_issue','wait_red','done','needs_person')),
  path       TEXT NOT NULL CHECK (path IN ('','cancel','void_qr','wait','red_flush','record')),
  red_serial TEXT NOT NULL UNIQUE CHECK (length(red_serial) = 20),
  problem    TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  done_at    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX refunds_sale ON refunds (sale, created_at);

-- The one operation that a sale needs of the platform next.
CREATE TABLE ops (
  sale     INTEGER PRIMARY KEY REFERENCES sales (seq),
  kind     TEXT NOT NULL CHECK (kind IN ('qr_create','qr_query','qr_void','red_full','invoice_query')),
  gen      INTEGER NOT NULL,
  serial   TEXT NOT NULL,
  lane     TEXT NOT NULL CHECK (lane IN ('live','undo','backlog','watch')),
  state    TEXT NOT NULL CHECK (state IN ('ready','claimed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX ops_due ON ops (lane, state, due_at);

CREATE TABLE prints (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id     TEXT NOT NULL UNIQUE,
  sale       INTEGER NOT NULL REFERENCES sales (seq),
  refund_id  TEXT NOT NULL DEFAULT '',
  paper      TEXT NOT NULL CHECK (paper IN ('receipt','slip','refund')),
  state      TEXT NOT NULL CHECK (state IN ('waiting_qr','queued','printing','printed','sent','uncertain','held','failed','cancelled')),
  asked      INTEGER NOT NULL DEFAULT 0 CHECK (asked IN (0, 1)), -- 1: a person or the POS asked for it
  copies     INTEGER NOT NULL CHECK (copies BETWEEN 1 AND 5),
  drawer     INTEGER NOT NULL DEFAULT 0 CHECK (drawer IN (0, 1)),
  with_qr    INTEGER NOT NULL DEFAULT 0 CHECK (with_qr IN (0, 1)), -- whether the QR code stands on it
  attempts   INTEGER NOT NULL DEFAULT 0,
  reason     TEXT NOT NULL DEFAULT '',
  due_at     INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  printed_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX prints_open ON prints (state, due_at) WHERE state IN ('waiting_qr','queued','printing','held');
CREATE INDEX prints_sale ON prints (sale, seq);

CREATE TABLE events (
  seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  at        INTEGER NOT NULL,
  type      TEXT NOT NULL,
  sale_id   TEXT NOT NULL DEFAULT '',
  refund_id TEXT NOT NULL DEFAULT '',
  state     TEXT NOT NULL DEFAULT '',
  detail    TEXT NOT NULL DEFAULT ''
) STRICT;

-- Every move, in order; each entry's hash covers the one before.
CREATE TABLE journal (
  seq    INTEGER PRIMARY KEY,
  at     INTEGER NOT NULL,
  kind   TEXT NOT NULL,
  sale   TEXT NOT NULL,
  ref    TEXT NOT NULL,
  state  TEXT NOT NULL,
  digest TEXT NOT NULL,
  hash   TEXT NOT NULL
) STRICT;

CREATE TABLE alerts (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  kind       TEXT NOT NULL,
  subject    TEXT NOT NULL,
  sale_id    TEXT NOT NULL DEFAULT '',
  account    TEXT NOT NULL DEFAULT '',
  title      TEXT NOT NULL,
  detail     TEXT NOT NULL,
  action     TEXT NOT NULL,
  count      INTEGER NOT NULL DEFAULT 1,
  raised_at  INTEGER NOT NULL,
  last_at    INTEGER NOT NULL,
  cleared_at INTEGER NOT NULL DEFAULT 0,
  acked_at   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX alerts_active ON alerts (kind, subject) WHERE cleared_at = 0;
