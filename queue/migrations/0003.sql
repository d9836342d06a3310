-- What upkeep looks for by age: the views of a day, buyers to wipe, sales to delete.
ALTER TABLE sales ADD COLUMN buyer_wiped INTEGER NOT NULL DEFAULT 0 CHECK (buyer_wiped IN (0, 1));
CREATE INDEX sales_accepted ON sales (accepted_at);
CREATE INDEX sales_buyers ON sales (accepted_at) WHERE buyer_wiped = 0;

-- A push names an invoice by its serial number alone.
CREATE INDEX invoices_serial ON invoices (serial);
