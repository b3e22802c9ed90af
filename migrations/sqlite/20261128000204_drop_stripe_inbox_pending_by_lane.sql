-- `stripe_inbox_by_lane` serves its queries.
DROP INDEX stripe_inbox_pending_by_lane;
