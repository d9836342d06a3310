-- What a POS lays out by itself, with a sale or without one, and training.
ALTER TABLE prints ADD COLUMN form TEXT NOT NULL DEFAULT '' CHECK (form IN ('','lines','raw') AND (sale IS NULL) = (paper = 'pos'));
ALTER TABLE prints ADD COLUMN content BLOB;                    -- as form says; NULL where the agent lays it out, and once it is old
ALTER TABLE prints ADD COLUMN digest TEXT NOT NULL DEFAULT ''; -- of what the POS posted, where there is no sale
CREATE INDEX prints_content ON prints (created_at) WHERE content IS NOT NULL;
CREATE INDEX prints_own ON prints (created_at) WHERE sale IS NULL;
ALTER TABLE sales ADD COLUMN training INTEGER NOT NULL DEFAULT 0 CHECK (training IN (0, 1)); -- 1: nothing was sold
CREATE INDEX sales_training ON sales (seq) WHERE training = 1;

-- A column that may be NULL now, and a CHECK that is only widened, as in 0004.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(sql, 'sale       INTEGER NOT NULL REFERENCES', 'sale       INTEGER REFERENCES'),
  '(''receipt'',''slip'',''refund'')', '(''receipt'',''slip'',''refund'',''pos'')') WHERE name = 'prints';
PRAGMA writable_schema = RESET;
