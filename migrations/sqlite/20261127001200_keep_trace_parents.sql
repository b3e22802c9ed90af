-- The W3C traceparent of the request that wrote the row. NULL unless the server exports traces.
ALTER TABLE handoffs ADD COLUMN trace_parent TEXT;
ALTER TABLE outbox ADD COLUMN trace_parent TEXT;
