-- Fees that the venue tells apart from their executions.

ALTER TABLE trades ADD COLUMN fee_pending INTEGER NOT NULL DEFAULT 0;
