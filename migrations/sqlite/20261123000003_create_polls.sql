CREATE TABLE polls (
    id              TEXT   PRIMARY KEY,
    user_id         TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    question        TEXT   NOT NULL,
    multiple_choice BIGINT NOT NULL CHECK (multiple_choice IN (0, 1)),
    created_at      BIGINT NOT NULL,
    -- Names the form that made it: sent twice, it makes one poll.
    form_id         TEXT   NOT NULL,
    UNIQUE (user_id, form_id)
);
CREATE INDEX polls_by_owner ON polls (user_id, created_at);

CREATE TABLE poll_options (
    poll_id  TEXT   NOT NULL REFERENCES polls (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    label    TEXT   NOT NULL,
    PRIMARY KEY (poll_id, position)
);
