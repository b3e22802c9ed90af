-- Postgres would compress each row of more than 2 KB while Stripe waits for the answer. It does so now with longer rows only.
ALTER TABLE stripe_inbox SET (toast_tuple_target = 8160);
