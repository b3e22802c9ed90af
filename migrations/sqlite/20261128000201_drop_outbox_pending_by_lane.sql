-- `outbox_by_lane` serves its queries.
DROP INDEX outbox_pending_by_lane;
