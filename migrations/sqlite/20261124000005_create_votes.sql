-- When a poll closes by itself; part of Pro.
ALTER TABLE polls ADD COLUMN closes_at BIGINT;
ALTER TABLE polls ADD COLUMN closed_at BIGINT;
ALTER TABLE polls ADD COLUMN closed_by TEXT CHECK (closed_by IN ('owner', 'time'));
-- A deleted poll can be restored for a while; then it goes for good.
ALTER TABLE polls ADD COLUMN deleted_at BIGINT;
-- How often it was edited: a ballot says which version it shows.
ALTER TABLE polls ADD COLUMN edits BIGINT NOT NULL DEFAULT 0;
-- How often it was deleted: each time is an event of its own.
ALTER TABLE polls ADD COLUMN deletions BIGINT NOT NULL DEFAULT 0;
-- Grows with every change that a results page shows, so that a server sees at a glance whether to count anew. Writing it
-- is also how whoever changes a poll waits for others who do.
ALTER TABLE polls ADD COLUMN changes BIGINT NOT NULL DEFAULT 0;
-- The question in lower case, by which it is found.
ALTER TABLE polls ADD COLUMN search_key TEXT NOT NULL DEFAULT '';
UPDATE polls SET search_key = lower(question);

-- Polls that wait for their closing time.
CREATE INDEX polls_due ON polls (closes_at) WHERE closes_at IS NOT NULL AND closed_at IS NULL AND deleted_at IS NULL;
CREATE INDEX polls_deleted ON polls (deleted_at) WHERE deleted_at IS NOT NULL;

-- One vote of one voter: an account, or the hash of the token in a browser's cookie. Signing up and in turns the one into
-- the other.
CREATE TABLE votes (
    id         TEXT   PRIMARY KEY,
    poll_id    TEXT   NOT NULL REFERENCES polls (id) ON DELETE CASCADE,
    user_id    TEXT   REFERENCES users (id) ON DELETE CASCADE,
    token_hash TEXT,
    cast_at    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    -- How often it was changed: each time is an event of its own.
    changes    BIGINT NOT NULL DEFAULT 0,
    CHECK ((user_id IS NULL) <> (token_hash IS NULL)),
    UNIQUE (poll_id, user_id),
    UNIQUE (poll_id, token_hash)
);
CREATE INDEX votes_by_user ON votes (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX votes_by_token ON votes (token_hash) WHERE token_hash IS NOT NULL;

CREATE TABLE vote_choices (
    vote_id  TEXT   NOT NULL REFERENCES votes (id) ON DELETE CASCADE,
    -- That of the option in its poll.
    position BIGINT NOT NULL,
    PRIMARY KEY (vote_id, position)
);
