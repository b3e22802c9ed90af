-- Layout 1. One row for each record; its body is JSON with its kind.
CREATE TABLE records (
  id TEXT PRIMARY KEY,
  number INTEGER NOT NULL UNIQUE,     -- the order of creation
  body TEXT NOT NULL
) STRICT;
