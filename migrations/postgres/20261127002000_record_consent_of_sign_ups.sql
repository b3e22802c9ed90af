-- Sign-ups of version 0.2.0 stored their choice about tracking without its time. Accounts that have changed it since keep the
-- later times only.
INSERT INTO consent_changes (user_id, choice, changed_at)
SELECT id, consent, created_at FROM users
WHERE consent IN ('granted', 'denied') AND deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM consent_changes WHERE user_id = users.id);
