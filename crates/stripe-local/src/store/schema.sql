-- Schema version 1. One row per record. The body is JSON with the record's kind.
CREATE TABLE records (
  id TEXT PRIMARY KEY,
  number INTEGER NOT NULL UNIQUE,     -- order of creation
  body TEXT NOT NULL
) STRICT;
