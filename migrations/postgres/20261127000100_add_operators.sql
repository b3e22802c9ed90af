-- When `seamline operator add` made the account an operator, in ms since the epoch. NULL: the account is no operator.
ALTER TABLE users ADD COLUMN operator_since_ms BIGINT;
