-- Several printers, and the ticket of a sale for the kitchen.
ALTER TABLE prints ADD COLUMN printer TEXT NOT NULL DEFAULT 'receipt' CHECK (length(printer) BETWEEN 1 AND 20);

-- Each printer has a lane of its own.
DROP INDEX prints_open;
CREATE INDEX prints_open ON prints (printer, state, due_at) WHERE state IN ('waiting_qr','queued','printing','held');

-- A CHECK that is only widened, as in 0004.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '(''receipt'',''slip'',''refund'',''pos'')', '(''receipt'',''slip'',''refund'',''pos'',''ticket'')') WHERE name = 'prints';
PRAGMA writable_schema = RESET;

-- Whether 2.16 was sent for a code and what is known of it since.
ALTER TABLE qrs ADD COLUMN sent_at INTEGER NOT NULL DEFAULT 0; -- 0: never
ALTER TABLE qrs ADD COLUMN misses INTEGER NOT NULL DEFAULT 0 CHECK (misses >= 0);
ALTER TABLE qrs ADD COLUMN doubt INTEGER NOT NULL DEFAULT 0 CHECK (doubt IN (0, 1));
