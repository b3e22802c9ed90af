-- Postgres would compress the body of each webhook that is longer than 2 KB while the request waits. A body is erased soon.
ALTER TABLE stripe_inbox SET (toast_tuple_target = 8160);
