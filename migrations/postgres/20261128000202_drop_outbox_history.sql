-- no-transaction
-- `outbox_by_lane` serves its queries.
DROP INDEX CONCURRENTLY outbox_history;
