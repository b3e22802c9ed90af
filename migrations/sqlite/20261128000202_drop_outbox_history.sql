-- `outbox_by_lane` serves its queries.
DROP INDEX outbox_history;
