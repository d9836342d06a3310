-- The calls that were made to the platform for a sale, so that a person can be
-- told what happened. The same call with the same end, again and again, is one
-- row with a count.
CREATE TABLE calls (
  seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  sale      INTEGER NOT NULL REFERENCES sales (seq),
  interface TEXT NOT NULL CHECK (interface <> ''), -- the platform's number of it, such as 2.16
  outcome   TEXT NOT NULL CHECK (outcome <> ''),
  code      TEXT NOT NULL DEFAULT '',              -- of the platform's answer
  attempt   INTEGER NOT NULL,                      -- of the operation, at the last of them
  times     INTEGER NOT NULL DEFAULT 1,
  at        INTEGER NOT NULL,                      -- the end of the first
  last_at   INTEGER NOT NULL,                      -- and of the last
  ms        INTEGER NOT NULL CHECK (ms >= 0)       -- how long the last took
) STRICT;
CREATE INDEX calls_sale ON calls (sale, seq);

-- What the journal has of one sale.
CREATE INDEX journal_sale ON journal (sale) WHERE sale <> '';
