-- Further generations, partial reversals, and what can come back.
ALTER TABLE invoices ADD COLUMN failed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN recheck INTEGER NOT NULL DEFAULT 0 CHECK (recheck IN (0, 1));
ALTER TABLE invoices ADD COLUMN blue_serial TEXT NOT NULL DEFAULT '';
ALTER TABLE invoices ADD COLUMN partial INTEGER NOT NULL DEFAULT 0 CHECK (partial IN (0, 1));
-- A red invoice of version 1 reverses the one blue invoice of its sale.
UPDATE invoices SET blue_serial = coalesce((SELECT b.serial FROM invoices b WHERE b.sale = invoices.sale AND b.kind = 'blue' ORDER BY b.state LIKE 'red_%' DESC LIMIT 1), '')
WHERE kind = 'red';

ALTER TABLE qrs ADD COLUMN taken INTEGER NOT NULL DEFAULT 0 CHECK (taken IN (0, 1));

-- CHECKs cannot be changed in place: the tables with new words are made anew.
CREATE TABLE refunds2 (
  refund_id  TEXT PRIMARY KEY,
  sale       INTEGER NOT NULL REFERENCES sales (seq),
  digest     TEXT NOT NULL,
  body       TEXT NOT NULL CHECK (json_valid(body)),
  amount     INTEGER NOT NULL CHECK (amount > 0),
  reason     TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('requested','wait_certainty','wait_void','wait_issue','wait_red','done','needs_person')),
  path       TEXT NOT NULL CHECK (path IN ('','cancel','void_qr','wait','red_flush','red_flush_partial','record')),
  gen        INTEGER NOT NULL DEFAULT -1 CHECK (gen BETWEEN -1 AND 31),
  red_serial TEXT NOT NULL UNIQUE CHECK (length(red_serial) = 20),
  problem    TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  done_at    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO refunds2 (refund_id, sale, digest, body, amount, reason, state, path, red_serial, problem, created_at, done_at)
  SELECT refund_id, sale, digest, body, amount, reason, state, path, red_serial, problem, created_at, done_at FROM refunds;
DROP TABLE refunds;
ALTER TABLE refunds2 RENAME TO refunds;
CREATE INDEX refunds_sale ON refunds (sale, created_at);

CREATE TABLE ops2 (
  sale     INTEGER PRIMARY KEY REFERENCES sales (seq),
  kind     TEXT NOT NULL CHECK (kind IN ('qr_create','qr_query','qr_void','red_full','red_partial','invoice_query')),
  gen      INTEGER NOT NULL,
  serial   TEXT NOT NULL,
  lane     TEXT NOT NULL CHECK (lane IN ('live','undo','backlog','watch')),
  state    TEXT NOT NULL CHECK (state IN ('ready','claimed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at   INTEGER NOT NULL
) STRICT;
INSERT INTO ops2 SELECT sale, kind, gen, serial, lane, state, attempts, due_at FROM ops;
DROP TABLE ops;
ALTER TABLE ops2 RENAME TO ops;
CREATE INDEX ops_due ON ops (lane, state, due_at);

-- Which generation of the QR code stands on the paper.
ALTER TABLE prints ADD COLUMN gen INTEGER NOT NULL DEFAULT 0;
