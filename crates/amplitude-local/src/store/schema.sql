-- Schema version 1. Times are milliseconds since the Unix epoch; JSON is text.

-- Accepted and refused events share one sequence, so that a live feed can resume from a sequence number.
CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT;
INSERT INTO counters (name, value) VALUES ('sequence', 0), ('amplitude_id', 100000000000);

CREATE TABLE people (
  amplitude_id INTEGER PRIMARY KEY,
  user_id TEXT UNIQUE,                -- NULL: anonymous
  merged_into INTEGER REFERENCES people (amplitude_id),
  properties TEXT NOT NULL,           -- after the last event
  pending TEXT,                       -- set by /identify: these apply from the next event on
  context TEXT NOT NULL,              -- last known platform, device and place
  num_events INTEGER NOT NULL DEFAULT 0,
  purchases INTEGER NOT NULL DEFAULT 0,
  revenue REAL NOT NULL DEFAULT 0,
  first_used INTEGER,
  last_used INTEGER,
  CHECK (merged_into IS NULL OR user_id IS NULL)
) STRICT;
CREATE INDEX people_merged ON people (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX people_last_used ON people (last_used);

-- The person who gets a device's anonymous events.
CREATE TABLE devices (
  device_id TEXT PRIMARY KEY,
  holder INTEGER NOT NULL REFERENCES people (amplitude_id)
) STRICT;
CREATE INDEX devices_holder ON devices (holder);

-- All devices of a person.
CREATE TABLE person_devices (
  person INTEGER NOT NULL REFERENCES people (amplitude_id),
  device_id TEXT NOT NULL,
  derived INTEGER NOT NULL,
  PRIMARY KEY (person, device_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_devices_device ON person_devices (device_id);

CREATE TABLE sessions (
  person INTEGER NOT NULL REFERENCES people (amplitude_id),
  session_id INTEGER NOT NULL,
  first_event INTEGER NOT NULL,       -- by the client's clock, like Amplitude's session length
  last_event INTEGER NOT NULL,
  events INTEGER NOT NULL,
  PRIMARY KEY (person, session_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY,
  person INTEGER NOT NULL REFERENCES people (amplitude_id), -- changes with a merge; the body keeps the previous Amplitude ID
  event_type TEXT NOT NULL,
  user_id TEXT,
  device_id TEXT NOT NULL,
  insert_id TEXT,
  session_id INTEGER,
  event_time INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX events_person ON events (person, event_time, sequence);
CREATE INDEX events_person_arrival ON events (person, sequence);
CREATE INDEX events_device ON events (device_id, sequence);
CREATE INDEX events_insert ON events (insert_id, device_id) WHERE insert_id IS NOT NULL;
CREATE INDEX events_type ON events (event_type, sequence);

CREATE TABLE refused (
  sequence INTEGER PRIMARY KEY,
  user_id TEXT,
  device_id TEXT,
  received_at INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;

-- Every delivery of every event, accepted or not.
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  received_at INTEGER NOT NULL,
  path TEXT NOT NULL,
  user_id TEXT,
  device_id TEXT,
  insert_id TEXT,
  event_type TEXT,
  outcome TEXT NOT NULL CHECK (outcome IN ('accepted', 'duplicate', 'refused', 'withheld', 'fault')),
  answered INTEGER                    -- response status; NULL: no response was sent
) STRICT;
CREATE INDEX deliveries_insert ON deliveries (insert_id) WHERE insert_id IS NOT NULL;
