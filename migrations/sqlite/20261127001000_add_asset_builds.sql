-- Files of the site's builds, so that every server can serve those of another build during a deployment.
CREATE TABLE asset_builds (
    -- Digest of the files.
    build TEXT PRIMARY KEY,
    -- When a server of this build last ran, in ms since the epoch.
    used_at_ms BIGINT NOT NULL
);
CREATE INDEX asset_builds_used ON asset_builds (used_at_ms);

CREATE TABLE asset_files (
    build TEXT NOT NULL REFERENCES asset_builds (build) ON DELETE CASCADE,
    path TEXT NOT NULL,
    -- 'br', 'gzip', or '' for the file itself.
    encoding TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (build, path, encoding)
);
