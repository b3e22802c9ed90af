-- Indexes that no query needs: each costs a page in every transaction that inserts a row.

-- `logins_by_user` has these rows too. An account has few ended logins.
DROP INDEX logins_live;
-- The lanes of these queues are unique, and have an index.
DROP INDEX mails_pending_by_lane;
DROP INDEX account_deletions_pending_by_lane;
DROP INDEX customer_emails_pending_by_lane;
