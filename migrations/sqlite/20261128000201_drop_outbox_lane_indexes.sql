-- `outbox_by_lane` serves the queries of both.
DROP INDEX outbox_pending_by_lane;
DROP INDEX outbox_history;
