-- Streams and tables that the dialect declared or created.
CREATE TABLE velo.stream (
    relation      regclass PRIMARY KEY,
    kind          text NOT NULL CHECK (kind IN ('stream', 'table')),
    type          text NOT NULL,
    storage       regclass,
    -- A derived object is written by a job only.
    is_derived    boolean NOT NULL DEFAULT false,
    key_columns   text[] NOT NULL DEFAULT '{}',
    options       jsonb NOT NULL DEFAULT '{}',
    -- True from a restore until the rows' transaction ids, which belong to
    -- another cluster, have been renewed (first reader).
    is_restored   boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE velo.stream IS 'Streams and tables known to the dialect. Read velo.streams and velo.tables instead.';
SELECT pg_catalog.pg_extension_config_dump('velo.stream', '');
