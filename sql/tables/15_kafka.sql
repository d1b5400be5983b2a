-- Connections to Kafka: servers of this wrapper, with user mappings.

-- Here and not with the functions: the wrapper needs them from the beginning.
CREATE FUNCTION velo.kafka_validator(options text[], catalog oid)
    RETURNS void
    LANGUAGE c STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'velo_kafka_validator';
COMMENT ON FUNCTION velo.kafka_validator(text[], oid) IS
    'Validator of the foreign-data wrapper velo_kafka: raises an error for options of servers, user mappings and foreign tables that are not there, not allowed, or have a wrong value.';

CREATE FUNCTION velo.kafka_handler() RETURNS fdw_handler
    LANGUAGE c STRICT
    AS 'MODULE_PATHNAME', 'velo_kafka_handler';
COMMENT ON FUNCTION velo.kafka_handler() IS
    'Handler of the foreign-data wrapper velo_kafka: topics of Kafka as foreign tables. Columns are fields of the record; _timestamp, _key, _topic, _partition, _offset and _headers may be among them.';

CREATE FOREIGN DATA WRAPPER velo_kafka HANDLER velo.kafka_handler VALIDATOR velo.kafka_validator;
COMMENT ON FOREIGN DATA WRAPPER velo_kafka IS
    'Kafka. CREATE SERVER … FOREIGN DATA WRAPPER velo_kafka OPTIONS ("bootstrap.servers" ''host:9092'', …) makes a connection; what is secret belongs into its USER MAPPING.';
GRANT USAGE ON FOREIGN DATA WRAPPER velo_kafka TO velo_user;

-- For streams that name no connection: foreign tables must have a server.
CREATE SERVER velo_kafka FOREIGN DATA WRAPPER velo_kafka;
COMMENT ON SERVER velo_kafka IS
    'Internal: stands for no connection, for topics whose streams say themselves where they are.';
GRANT USAGE ON FOREIGN SERVER velo_kafka TO velo_user;
