-- One row a task whose output goes to another system: how far it has got.  The output
-- itself waits in velo_state.outbox_<job>_<task>.  Not dumped: elsewhere it would be wrong.
CREATE TABLE velo.outbox (
    job_id        integer NOT NULL,
    task          integer NOT NULL,
    -- The task's name in the other system: Kafka's transactional id.  Kept for ever, also
    -- by pg_upgrade, which changes the system identifier that is in it.
    writer        text NOT NULL,
    -- Random: a job of the same number in a later life of the extension is another one.
    identity      text NOT NULL,
    -- Counts RESET JOB.
    generation    bigint NOT NULL,
    -- Of the last output committed here, 0: none.
    sequence      bigint NOT NULL DEFAULT 0,
    -- Known to have arrived when this row was written.
    sent          bigint NOT NULL DEFAULT 0,
    -- Where in Kafka's control topic that was noted, -1: unknown.
    control_offset bigint NOT NULL DEFAULT -1,
    PRIMARY KEY (job_id, task)
) WITH (fillfactor = 20);
COMMENT ON TABLE velo.outbox IS 'One row for each task that writes to Kafka: how much of its output PostgreSQL has committed and Kafka is known to have.';
