-- What the lists of the local API run along: newest first, by state, by number.
DROP INDEX sales_view;
CREATE INDEX sales_view ON sales (view, accepted_at);
CREATE INDEX invoices_number ON invoices (number, no) WHERE number <> '' OR no <> '';
CREATE INDEX refunds_created ON refunds (created_at);
CREATE INDEX refunds_state ON refunds (state, created_at);
CREATE INDEX prints_unusual ON prints (state, sale) WHERE state NOT IN ('printed','sent');
