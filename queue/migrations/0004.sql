-- Direct invoices, and the tax account that invoices wait for.
ALTER TABLE sales ADD COLUMN invoice_id TEXT NOT NULL DEFAULT ''; -- the POS's name for a direct invoice asked for by itself
CREATE UNIQUE INDEX sales_invoice ON sales (invoice_id) WHERE invoice_id <> '';
ALTER TABLE invoices ADD COLUMN view_url TEXT NOT NULL DEFAULT '';
ALTER TABLE invoices ADD COLUMN known INTEGER NOT NULL DEFAULT 0 CHECK (known IN (0, 1));
CREATE INDEX invoices_blocked ON invoices (sale) WHERE state = 'blocked_auth';
ALTER TABLE ops ADD COLUMN account INTEGER NOT NULL DEFAULT 0 CHECK (account IN (0, 1)); -- 1: waits while the tax account must log in
UPDATE ops SET account = 1 WHERE kind IN ('red_full', 'red_partial');

-- The words of CHECKs that are only widened are changed in the schema itself,
-- as SQLite documents it: a till with a million sales need not copy them.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '(''qr'',''none'')', '(''qr'',''none'',''direct'')') WHERE name = 'sales';
UPDATE sqlite_schema SET sql = replace(replace(sql, '''red_pending'',''red_partial'',''red_full'')', '''red_pending'',''red_partial'',''red_full'',''rejected'',''cancelled'')'),
  'CHECK (kind = ''blue'' AND state NOT IN (''ready'',''in_flight'',''unknown'') OR kind = ''red'' AND state NOT LIKE ''red_%'')',
  'CHECK (kind = ''blue'' OR kind = ''red'' AND state NOT LIKE ''red_%'' AND state NOT IN (''rejected'',''cancelled''))') WHERE name = 'invoices';
UPDATE sqlite_schema SET sql = replace(sql, '''invoice_query'')', '''invoice_query'',''invoice_issue'')') WHERE name = 'ops';
PRAGMA writable_schema = RESET;
