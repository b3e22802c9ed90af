-- Changed addresses of Stripe's customers become a queue of crates/queue. Times are ms since the epoch.

CREATE TABLE customer_emails (
    sequence         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Stripe's customer. A change replaces the row of the change before.
    lane             TEXT    NOT NULL UNIQUE REFERENCES stripe_customers (id) ON DELETE CASCADE,
    state            TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'parked')),
    next_attempt_ms  BIGINT  NOT NULL,
    attempts         BIGINT  NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    panics           BIGINT  NOT NULL DEFAULT 0 CHECK (panics >= 0),
    -- Start of the first attempt of unknown outcome.
    first_unknown_ms BIGINT,
    last_error       TEXT,
    enqueued_ms      BIGINT  NOT NULL,
    parked_ms        BIGINT,
    parked_reason    TEXT,

    sent_ms          BIGINT,

    CHECK ((state = 'sent') = (sent_ms IS NOT NULL)),
    CHECK ((state = 'parked') = (parked_ms IS NOT NULL)),
    CHECK ((state = 'parked') = (parked_reason IS NOT NULL))
);

INSERT INTO customer_emails (lane, state, next_attempt_ms, attempts, panics, enqueued_ms, parked_ms, parked_reason)
SELECT id, CASE WHEN email_parked_ms IS NULL THEN 'pending' ELSE 'parked' END, COALESCE(email_due_ms, email_parked_ms),
       email_failures, email_panics, COALESCE(email_due_ms, email_parked_ms), email_parked_ms, email_parked_reason
FROM stripe_customers WHERE email_due_ms IS NOT NULL OR email_parked_ms IS NOT NULL ORDER BY id;

DROP INDEX stripe_customers_email_due;
DROP INDEX stripe_customers_email_parked;
ALTER TABLE stripe_customers DROP COLUMN email_parked_reason;
ALTER TABLE stripe_customers DROP COLUMN email_parked_ms;
ALTER TABLE stripe_customers DROP COLUMN email_panics;
ALTER TABLE stripe_customers DROP COLUMN email_failures;
ALTER TABLE stripe_customers DROP COLUMN email_changes;
ALTER TABLE stripe_customers DROP COLUMN email_due_ms;

CREATE INDEX customer_emails_pending_by_lane ON customer_emails (lane, sequence) WHERE state = 'pending';
CREATE INDEX customer_emails_pending ON customer_emails (sequence) WHERE state = 'pending';
CREATE INDEX customer_emails_parked ON customer_emails (parked_ms) WHERE state = 'parked';

-- One row for each lane with pending rows (crates/queue).
CREATE TABLE customer_emails_lanes (
    lane        TEXT   NOT NULL PRIMARY KEY,
    next_due_ms BIGINT NOT NULL,
    lease_owner TEXT,
    leased_ms   BIGINT,
    leased_to   BIGINT,
    CHECK ((lease_owner IS NULL) = (leased_ms IS NULL) AND (lease_owner IS NULL) = (leased_to IS NULL))
) WITHOUT ROWID;

INSERT INTO customer_emails_lanes (lane, next_due_ms)
SELECT lane, next_attempt_ms FROM customer_emails
WHERE sequence IN (SELECT MIN(sequence) FROM customer_emails WHERE state = 'pending' GROUP BY lane);

CREATE INDEX customer_emails_lanes_due ON customer_emails_lanes (next_due_ms, lane);
CREATE INDEX customer_emails_lanes_leased ON customer_emails_lanes (lane) WHERE lease_owner IS NOT NULL;
