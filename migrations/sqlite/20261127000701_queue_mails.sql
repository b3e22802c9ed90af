-- Mails become a queue of crates/queue. Times are ms since the epoch.

CREATE TABLE mails_queue (
    sequence         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The mail's ID, so mails do not wait for each other.
    lane             TEXT    NOT NULL UNIQUE,
    state            TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'dropped', 'parked')),
    next_attempt_ms  BIGINT  NOT NULL,
    attempts         BIGINT  NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    panics           BIGINT  NOT NULL DEFAULT 0 CHECK (panics >= 0),
    -- Start of the first attempt of unknown outcome.
    first_unknown_ms BIGINT,
    last_error       TEXT,
    enqueued_ms      BIGINT  NOT NULL,
    parked_ms        BIGINT,
    parked_reason    TEXT,

    -- NULL: an address that a visitor typed, or an account that is being deleted.
    user_id          TEXT    REFERENCES users (id) ON DELETE CASCADE,
    kind             TEXT    NOT NULL,
    recipient        TEXT,
    -- What the mail mentions: another address, a browser.
    detail           TEXT,
    -- The mail as JSON, in the mailbox of local mode.
    letter           TEXT,
    settled_ms       BIGINT,

    CHECK ((state = 'pending') = (settled_ms IS NULL)),
    CHECK ((state = 'parked') = (parked_ms IS NOT NULL)),
    CHECK ((state = 'parked') = (parked_reason IS NOT NULL)),
    CHECK (recipient IS NOT NULL OR settled_ms IS NOT NULL)
);

INSERT INTO mails_queue (lane, state, next_attempt_ms, attempts, panics, last_error, enqueued_ms, parked_ms, parked_reason,
                         user_id, kind, recipient, detail, letter, settled_ms)
SELECT id, CASE state WHEN 'leased' THEN 'pending' ELSE state END, next_attempt_at, attempts, panics, last_error, created_at,
       CASE state WHEN 'parked' THEN settled_at END, CASE state WHEN 'parked' THEN COALESCE(last_error, 'unknown') END,
       user_id, kind, recipient, detail, letter, settled_at
FROM mails ORDER BY created_at, id;

DROP TABLE mails;
ALTER TABLE mails_queue RENAME TO mails;

CREATE INDEX mails_pending_by_lane ON mails (lane, sequence) WHERE state = 'pending';
CREATE INDEX mails_pending ON mails (sequence) WHERE state = 'pending';
CREATE INDEX mails_parked ON mails (parked_ms) WHERE state = 'parked';
CREATE INDEX mails_settled ON mails (settled_ms) WHERE settled_ms IS NOT NULL;
CREATE INDEX mails_of_user ON mails (user_id);
-- The mailbox of local mode.
CREATE INDEX mails_stored ON mails (sequence) WHERE letter IS NOT NULL;

-- One row for each lane with pending rows (crates/queue).
CREATE TABLE mails_lanes (
    lane        TEXT   NOT NULL PRIMARY KEY,
    next_due_ms BIGINT NOT NULL,
    lease_owner TEXT,
    leased_ms   BIGINT,
    leased_to   BIGINT,
    CHECK ((lease_owner IS NULL) = (leased_ms IS NULL) AND (lease_owner IS NULL) = (leased_to IS NULL))
) WITHOUT ROWID;

INSERT INTO mails_lanes (lane, next_due_ms) SELECT lane, next_attempt_ms FROM mails WHERE state = 'pending';

CREATE INDEX mails_lanes_due ON mails_lanes (next_due_ms, lane);
CREATE INDEX mails_lanes_leased ON mails_lanes (lane) WHERE lease_owner IS NOT NULL;
