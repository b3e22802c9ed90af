-- Times are ms since the epoch, flags 0/1.
CREATE TABLE users (
    id            TEXT   PRIMARY KEY,
    -- As typed, for mails and the page; `email_key` is its lower-case form, by which it is found.
    email         TEXT   NOT NULL,
    email_key     TEXT   NOT NULL UNIQUE,
    password_hash TEXT   NOT NULL,
    account_type  TEXT   NOT NULL CHECK (account_type IN ('free', 'pro')),
    -- The person's choice, or a browser's Global Privacy Control: webhooks see no browser.
    consent       TEXT   NOT NULL CHECK (consent IN ('unset', 'granted', 'denied')),
    created_at    BIGINT NOT NULL
);

-- Someone signed in. The cookie carries a session of tower-sessions, which carries the ID of a row here.
CREATE TABLE logins (
    id           TEXT   PRIMARY KEY,
    user_id      TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    user_agent   TEXT   NOT NULL,
    ended_at     BIGINT,
    ended_by     TEXT   CHECK (ended_by IN ('sign_out', 'revoked', 'password_reset', 'deleted', 'expired')),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX logins_live ON logins (user_id) WHERE ended_at IS NULL;

-- The store behind the login cookie. The cookie's value is not here: only its hash is.
CREATE TABLE login_cookies (
    id_hash    TEXT   PRIMARY KEY,
    data       TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX login_cookies_expiry ON login_cookies (expires_at);

-- Failed sign-ins and answers "this address is taken", counted per account and per network address (both hashed).
CREATE TABLE throttles (
    key        TEXT   PRIMARY KEY,
    failures   BIGINT NOT NULL,
    window_end BIGINT NOT NULL
);
CREATE INDEX throttles_window ON throttles (window_end);
