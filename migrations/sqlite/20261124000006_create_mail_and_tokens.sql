-- When the address was proven by a link in a mail; a changed address is proven by the same link that changes it.
ALTER TABLE users ADD COLUMN email_verified_at BIGINT;
-- The person has asked for the account's deletion: nobody can sign in any more, and the row is about to go.
ALTER TABLE users ADD COLUMN deleted_at BIGINT;

-- Mails on their way. A row says what is to be told to whom; the text is written when it is sent, and so is the secret of
-- a link, which is nowhere else. What is settled forgets its addresses; a local mailbox keeps them with the letter.
CREATE TABLE mails (
    id              TEXT   PRIMARY KEY,
    -- NULL: an address that somebody typed, or an account that is about to go.
    user_id         TEXT   REFERENCES users (id) ON DELETE CASCADE,
    kind            TEXT   NOT NULL,
    recipient       TEXT,
    -- What the letter speaks of: another address, a browser.
    detail          TEXT,
    -- The letter as JSON, in a local mailbox.
    letter          TEXT,
    created_at      BIGINT NOT NULL,
    state           TEXT   NOT NULL DEFAULT 'pending'
                    CHECK (state IN ('pending', 'leased', 'sent', 'dropped', 'parked')),
    attempts        BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at BIGINT NOT NULL,
    lease_owner     TEXT,
    lease_until     BIGINT,
    settled_at      BIGINT,
    last_error      TEXT,
    CHECK ((state = 'leased') = (lease_owner IS NOT NULL)),
    CHECK ((state = 'leased') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('sent', 'dropped', 'parked')) = (settled_at IS NOT NULL)),
    CHECK (recipient IS NOT NULL OR settled_at IS NOT NULL)
);
CREATE INDEX mails_due ON mails (next_attempt_at) WHERE state IN ('pending', 'leased');
CREATE INDEX mails_of_user ON mails (user_id);
CREATE INDEX mails_by_time ON mails (created_at);

-- Links in mails: single-use, with an end. The secret in the link is not here: only its hash is.
CREATE TABLE mail_tokens (
    -- No secret: it names the event of the link's use.
    id          TEXT   PRIMARY KEY,
    secret_hash TEXT   NOT NULL UNIQUE,
    user_id     TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose     TEXT   NOT NULL CHECK (purpose IN ('verify_email', 'change_email', 'reset_password')),
    -- The address that the mail went to, which is all that its link can prove.
    email       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT
);
CREATE INDEX mail_tokens_of_user ON mail_tokens (user_id);
CREATE INDEX mail_tokens_expiry ON mail_tokens (expires_at);

-- Accounts on their way out, one step after another. A row outlives its account and names nobody but by the account's ID.
CREATE TABLE account_deletions (
    user_id         TEXT   PRIMARY KEY,
    requested_at    BIGINT NOT NULL,
    -- What is to be done next.
    step            TEXT   NOT NULL CHECK (step IN ('billing', 'erase', 'amplitude', 'done')),
    attempts        BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at BIGINT NOT NULL,
    lease_owner     TEXT,
    lease_until     BIGINT,
    finished_at     BIGINT,
    last_error      TEXT,
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
    CHECK ((step = 'done') = (finished_at IS NOT NULL))
);
CREATE INDEX account_deletions_due ON account_deletions (next_attempt_at) WHERE step <> 'done';
