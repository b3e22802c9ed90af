-- The operations page: what arrived in the last hour.
CREATE INDEX outbox_sent ON outbox (sent_ms) WHERE state = 'sent';
