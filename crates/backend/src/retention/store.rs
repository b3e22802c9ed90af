//! SQL of the sweeps. Each statement changes rows that expired before `$1` (ms since the epoch), at most `$2` rows.
//!
//! Where a row can be renewed, the condition is repeated outside of the subquery. Postgres then checks it again if it
//! waited for the transaction that renewed the row.

pub(super) const LOGIN_COOKIES: &str = "DELETE FROM login_cookies WHERE id_hash IN (
    SELECT id_hash FROM login_cookies WHERE expires_at <= $1 LIMIT $2)";

pub(super) const THROTTLES: &str = "DELETE FROM throttles WHERE window_end <= $1 AND key IN (
    SELECT key FROM throttles WHERE window_end <= $1 LIMIT $2)";

/// It ended 30 days after its last use.
pub(super) const IDLE_LOGINS: &str =
    "UPDATE logins SET ended_at = last_seen_at + 2592000000, ended_by = 'expired' WHERE id IN (
    SELECT id FROM logins WHERE ended_at IS NULL AND last_seen_at <= $1 LIMIT $2)";

/// It ended 90 days after the sign-in.
pub(super) const OLD_LOGINS: &str =
    "UPDATE logins SET ended_at = created_at + 7776000000, ended_by = 'expired' WHERE id IN (
    SELECT id FROM logins WHERE ended_at IS NULL AND created_at <= $1 LIMIT $2)";

pub(super) const ENDED_LOGINS: &str = "DELETE FROM logins WHERE id IN (
    SELECT id FROM logins WHERE ended_at < $1 LIMIT $2)";

pub(super) const MAILS: &str = "DELETE FROM mails WHERE sequence IN (
    SELECT sequence FROM mails WHERE settled_ms < $1 LIMIT $2)";

pub(super) const MAIL_TOKENS: &str = "DELETE FROM mail_tokens WHERE id IN (
    SELECT id FROM mail_tokens WHERE expires_at < $1 LIMIT $2)";

/// Before the polls: a poll may have any number of votes.
pub(super) const VOTES_OF_DELETED_POLLS: &str = "DELETE FROM votes WHERE id IN (
    SELECT votes.id FROM polls JOIN votes ON votes.poll_id = polls.id WHERE polls.deleted_at < $1 LIMIT $2)";

pub(super) const DELETED_POLLS: &str = "DELETE FROM polls WHERE id IN (
    SELECT id FROM polls
    WHERE deleted_at < $1 AND NOT EXISTS (SELECT 1 FROM votes WHERE votes.poll_id = polls.id) LIMIT $2)";

pub(super) const HANDOFFS: &str = "DELETE FROM handoffs WHERE click IN (
    SELECT click FROM handoffs WHERE created_at < $1 LIMIT $2)";

/// Of clicks that no webhook followed.
pub(super) const HANDOFF_ADDRESSES: &str = "UPDATE handoffs SET address = NULL WHERE click IN (
    SELECT click FROM handoffs WHERE address IS NOT NULL AND created_at < $1 LIMIT $2)";

pub(super) const PORTAL_VISITS: &str = "DELETE FROM portal_visits WHERE id IN (
    SELECT id FROM portal_visits WHERE created_at < $1 LIMIT $2)";

pub(super) const SDK_SIGHTINGS: &str = "DELETE FROM sdk_sightings WHERE (device_id, session_id) IN (
    SELECT device_id, session_id FROM sdk_sightings WHERE seen_at < $1 LIMIT $2)";

pub(super) const BROWSER_COUNTS: &str =
    "DELETE FROM browser_counts WHERE updated_at < $1 AND (device_id, session_id) IN (
    SELECT device_id, session_id FROM browser_counts WHERE updated_at < $1 LIMIT $2)";

pub(super) const WEBHOOK_PAYLOADS: &str = "UPDATE stripe_inbox SET payload = NULL WHERE sequence IN (
    SELECT sequence FROM stripe_inbox
    WHERE state = 'applied' AND payload IS NOT NULL AND applied_ms < $1 LIMIT $2)";

/// Applied and parked webhooks. Stripe does not send them again after so long.
pub(super) const WEBHOOKS: &str = "DELETE FROM stripe_inbox WHERE sequence IN (
    SELECT sequence FROM stripe_inbox WHERE state = 'applied' AND applied_ms < $1
    UNION ALL SELECT sequence FROM stripe_inbox WHERE state = 'parked' AND parked_ms < $1 LIMIT $2)";

pub(super) const ERASED_CUSTOMERS: &str = "DELETE FROM stripe_customers WHERE id IN (
    SELECT id FROM stripe_customers WHERE erased_ms < $1 LIMIT $2)";

/// Before the deletions that lead to them.
pub(super) const EVENTS_OF_DELETED_ACCOUNTS: &str = "DELETE FROM outbox WHERE sequence IN (
    SELECT outbox.sequence FROM account_deletions JOIN outbox ON outbox.lane = account_deletions.lane
    WHERE finished_ms < $1 LIMIT $2)";

pub(super) const ACCOUNT_DELETIONS: &str = "DELETE FROM account_deletions WHERE sequence IN (
    SELECT sequence FROM account_deletions
    WHERE finished_ms < $1
      AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.lane = account_deletions.lane) LIMIT $2)";

/// With their files.
pub(super) const FILES_OF_BUILDS: &str = "DELETE FROM asset_builds WHERE used_at_ms < $1 AND build IN (
    SELECT build FROM asset_builds WHERE used_at_ms < $1 LIMIT $2)";
