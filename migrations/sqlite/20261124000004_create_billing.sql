-- Times are ms since the epoch, flags 0/1. Moments inside Stripe's objects are theirs: seconds.

-- Whose Stripe customer is whose. The row outlives the account: webhooks of somebody who left still come.
CREATE TABLE stripe_customers (
    id         TEXT   PRIMARY KEY,
    user_id    TEXT   UNIQUE REFERENCES users (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    -- Stripe has a card to charge.
    has_card   BIGINT NOT NULL DEFAULT 0 CHECK (has_card IN (0, 1)),
    -- Counts what was applied, so that an open page can tell that something happened.
    revision   BIGINT NOT NULL DEFAULT 0
);

-- Subscriptions as Stripe told them when their last webhook was applied. Only webhooks write here.
CREATE TABLE subscriptions (
    id          TEXT   PRIMARY KEY,
    customer_id TEXT   NOT NULL REFERENCES stripe_customers (id),
    status      TEXT   NOT NULL,
    object      TEXT   NOT NULL,
    fetched_at  BIGINT NOT NULL,
    -- A second one beside a running one, which we ended.
    turned_away BIGINT NOT NULL DEFAULT 0 CHECK (turned_away IN (0, 1))
);
CREATE INDEX subscriptions_by_customer ON subscriptions (customer_id);

-- Our record of Stripe's paid invoices, those of nothing included.
CREATE TABLE paid_invoices (
    id              TEXT   PRIMARY KEY,
    customer_id     TEXT   NOT NULL REFERENCES stripe_customers (id),
    subscription_id TEXT   NOT NULL,
    currency        TEXT   NOT NULL,
    -- Minor units.
    amount_paid     BIGINT NOT NULL,
    -- By the clock that moves the subscription, in seconds.
    paid_at         BIGINT NOT NULL,
    -- Stripe's page of it.
    hosted_url      TEXT
);
CREATE INDEX paid_invoices_by_customer ON paid_invoices (customer_id, paid_at);

CREATE TABLE refunds (
    id          TEXT   PRIMARY KEY,
    customer_id TEXT   NOT NULL REFERENCES stripe_customers (id),
    invoice_id  TEXT   NOT NULL,
    currency    TEXT   NOT NULL,
    amount      BIGINT NOT NULL,
    status      TEXT   NOT NULL CHECK (status IN ('succeeded', 'failed', 'other'))
);
CREATE INDEX refunds_by_customer ON refunds (customer_id);

-- What a click handed over to Stripe. The form's ID is the click event's insert ID and Stripe's idempotency key; sent
-- twice, the same values go the same way.
CREATE TABLE handoffs (
    click           TEXT   PRIMARY KEY,
    user_id         TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    action          TEXT   NOT NULL CHECK (action IN ('checkout', 'cancel', 'resume', 'change')),
    -- The browser's IDs; absent where it refused cookies or tracking.
    device_id       TEXT,
    session_id      BIGINT,
    consented       BIGINT NOT NULL CHECK (consented IN (0, 1)),
    created_at      BIGINT NOT NULL,
    -- Of a checkout: what was asked for, and where Stripe's page for it is.
    billing_interval TEXT  CHECK (billing_interval IN ('month', 'year')),
    trial_days      BIGINT,
    checkout_id     TEXT   UNIQUE,
    checkout_url    TEXT,
    -- Nobody can complete it any more.
    checkout_closed BIGINT NOT NULL DEFAULT 0 CHECK (checkout_closed IN (0, 1))
);
CREATE INDEX handoffs_by_user ON handoffs (user_id, created_at);

-- Visits to Stripe's portal, noted before the redirect: a portal session carries no metadata.
CREATE TABLE portal_visits (
    id         TEXT   PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id  TEXT,
    session_id BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX portal_visits_by_user ON portal_visits (user_id, created_at);

-- One row per customer with webhooks: the lease under which one worker applies them, one at a time.
CREATE TABLE stripe_lanes (
    lane           TEXT   PRIMARY KEY,
    lease_owner    TEXT,
    lease_until_ms BIGINT,
    CHECK ((lease_owner IS NULL) = (lease_until_ms IS NULL))
);

-- Webhooks as they came, each once.
CREATE TABLE stripe_inbox (
    event_id        TEXT   PRIMARY KEY,
    -- Stripe's customer; an event about none is alone in its lane.
    lane            TEXT   NOT NULL REFERENCES stripe_lanes (lane),
    event_type      TEXT   NOT NULL,
    payload         TEXT,
    received_ms     BIGINT NOT NULL,

    state           TEXT   NOT NULL CHECK (state IN ('pending', 'applied', 'parked')),
    attempts        BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_ms BIGINT NOT NULL,
    settled_ms      BIGINT,
    -- Of an applied one: how many events it became.
    events          BIGINT,
    parked_reason   TEXT,
    last_error      TEXT,

    CHECK ((state = 'pending') = (settled_ms IS NULL)),
    CHECK ((state = 'parked') = (parked_reason IS NOT NULL)),
    -- Only what has been applied may lose its payload.
    CHECK (payload IS NOT NULL OR state = 'applied')
);
CREATE INDEX stripe_inbox_pending ON stripe_inbox (next_attempt_ms) WHERE state = 'pending';
CREATE INDEX stripe_inbox_pending_by_lane ON stripe_inbox (lane, received_ms) WHERE state = 'pending';
CREATE INDEX stripe_inbox_parked ON stripe_inbox (settled_ms) WHERE state = 'parked';
CREATE INDEX stripe_inbox_prunable ON stripe_inbox (settled_ms) WHERE state = 'applied' AND payload IS NOT NULL;
CREATE INDEX stripe_inbox_recent ON stripe_inbox (received_ms);
