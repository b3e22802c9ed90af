-- What an account said about tracking, and when: what was said before holds for what happened before. Times are ms since
-- the epoch.
CREATE TABLE consent_changes (
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    choice     TEXT   NOT NULL CHECK (choice IN ('granted', 'denied')),
    changed_at BIGINT NOT NULL
);
CREATE INDEX consent_changes_by_user ON consent_changes (user_id, changed_at);
