-- Connections to Kafka, as far as no broker is needed: what may stand where, who may use
-- what, and the errors.
SET client_min_messages = warning;
DO $$ BEGIN
    DROP SERVER IF EXISTS kc, kc_other, kc_secret CASCADE;
    DROP ROLE IF EXISTS kc_alice, kc_bob;
END $$;
CREATE ROLE kc_alice IN ROLE velo_user;
CREATE ROLE kc_bob IN ROLE velo_user;
RESET client_min_messages;

-- Options of servers.
CREATE SERVER kc FOREIGN DATA WRAPPER velo_kafka OPTIONS (
    "bootstrap.servers" 'one:9092,two:9092', "security.protocol" 'SASL_SSL', "sasl.mechanism" 'SCRAM-SHA-512',
    "ssl.endpoint.identification.algorithm" 'none', "kafka.fetch.min.bytes" '100');
CREATE SERVER kc_other FOREIGN DATA WRAPPER velo_kafka OPTIONS (brokers 'one:9092');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS (bootstrap 'one:9092');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("security.protocol" 'TLS');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("kafka.fetch.min.bytes" 'many');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("fetch.min.bytes" '1');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS (topic 'a');
-- What runs code, and what would go round the checks.
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("kafka.sasl.kerberos.kinit.cmd" 'touch /tmp/x');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("kafka.ssl.engine.location" 'x');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("kafka.builtin.features" 'x');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("kafka.bootstrap.servers" 'x');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("kafka.group.id" 'x');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("kafka." 'x');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("sasl.kerberos.kinit.cmd" 'x');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("ssl.engine.location" 'x');
-- Secrets are for user mappings, or named.
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("sasl.password" 'geheim');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("ssl.key.pem" 'geheim${secret:x}');
CREATE SERVER kc_secret FOREIGN DATA WRAPPER velo_kafka OPTIONS (
    "bootstrap.servers" 'one:9092', "security.protocol" 'SASL_SSL', "sasl.mechanism" 'PLAIN',
    "sasl.username" 'app', "sasl.password" '${secret:app}');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("ssl.ca.pem" '${secret:../passwd}');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("ssl.ca.pem" '${secret:.hidden}');
CREATE SERVER kc_bad FOREIGN DATA WRAPPER velo_kafka OPTIONS ("ssl.ca.pem" '${secret:open');
ALTER FOREIGN DATA WRAPPER velo_kafka OPTIONS (a 'b');
-- User mappings and foreign tables.
CREATE USER MAPPING FOR PUBLIC SERVER kc OPTIONS ("sasl.username" 'all', "sasl.password" 'geheim');
CREATE USER MAPPING FOR kc_alice SERVER kc OPTIONS (password 'geheim');
CREATE USER MAPPING FOR kc_alice SERVER kc OPTIONS ("bootstrap.servers" 'evil:1');
CREATE USER MAPPING FOR kc_alice SERVER kc OPTIONS ("kafka.fetch.min.bytes" '1');
CREATE FOREIGN TABLE kc_topic (a int) SERVER kc OPTIONS (topic 'a', "sasl.password" 'geheim');
CREATE FOREIGN TABLE kc_topic (a int) SERVER kc OPTIONS (topic 'a', retention '7d');
CREATE FOREIGN TABLE kc_topic (a int) SERVER kc OPTIONS (topic 'a', "kafka.sasl.kerberos.kinit.cmd" 'x');
CREATE FOREIGN TABLE kc_topic (a int) SERVER kc OPTIONS (topic 'a', "kafka.fetch.wait.max.ms" '20');
DROP FOREIGN TABLE kc_topic;

-- Who may use a connection.
SET ROLE kc_alice;
SELECT * FROM velo.kafka_topics('kc');
SELECT * FROM velo.kafka_topics('kc_nix');
CREATE SERVER kc_alices FOREIGN DATA WRAPPER velo_kafka OPTIONS ("ssl.ca.location" '/etc/passwd');
CREATE SERVER kc_alices FOREIGN DATA WRAPPER velo_kafka OPTIONS ("ssl.ca.pem" '${secret:ca}');
CREATE SERVER kc_alices FOREIGN DATA WRAPPER velo_kafka OPTIONS ("ssl.ca.pem" '${secret:kc_bob.ca}');
CREATE SERVER kc_alices FOREIGN DATA WRAPPER velo_kafka OPTIONS ("ssl.ca.pem" '${secret:kc_alice.ca}');
DROP SERVER kc_alices;
RESET ROLE;
GRANT pg_read_server_files TO kc_alice;
SET ROLE kc_alice;
CREATE SERVER kc_alices FOREIGN DATA WRAPPER velo_kafka OPTIONS ("ssl.ca.location" '/etc/passwd', "ssl.crl.location" '/x');
ALTER SERVER kc_alices OPTIONS (ADD "ssl.certificate.pem" '${secret:ca}');
DROP SERVER kc_alices;
RESET ROLE;
REVOKE pg_read_server_files FROM kc_alice;
CREATE ROLE kc_nobody;
SET ROLE kc_nobody;
CREATE SERVER kc_nobodys FOREIGN DATA WRAPPER velo_kafka;
SELECT * FROM velo.kafka_topics('kc');
SET velo.secrets_dir = '/tmp';
RESET ROLE;
DROP ROLE kc_nobody;

-- Who sees a password: a mapping's own user, who may use the server.
CREATE USER MAPPING FOR kc_alice SERVER kc OPTIONS ("sasl.username" 'a', "sasl.password" 'geheim');
GRANT USAGE ON FOREIGN SERVER kc TO kc_alice, kc_bob;
SET ROLE kc_alice;
SELECT usename, umoptions FROM pg_user_mappings WHERE srvname = 'kc' ORDER BY 1;
SET ROLE kc_bob;
SELECT usename, umoptions FROM pg_user_mappings WHERE srvname = 'kc' ORDER BY 1;
RESET ROLE;

-- Secrets that are not there.
SELECT * FROM velo.kafka_topics('kc_secret');
SET velo.secrets_dir = '/nowhere';
SELECT * FROM velo.kafka_topics('kc_secret');
RESET velo.secrets_dir;

-- What the library itself refuses, and what it would silently forget.
SELECT * FROM velo.kafka_topics('velo_nix');
ALTER SERVER kc OPTIONS (SET "security.protocol" 'SSL');
SELECT * FROM velo.kafka_topics('kc');
ALTER SERVER kc OPTIONS (SET "security.protocol" 'SASL_SSL', DROP "sasl.mechanism");
SELECT * FROM velo.kafka_topics('kc');
ALTER SERVER kc OPTIONS (ADD "sasl.mechanism" 'GSSAPI');
ALTER SERVER kc_other OPTIONS (DROP brokers);
SELECT * FROM velo.kafka_topics('kc_other');
-- A text that is no certificate: the client is not made.  The rest of the words is OpenSSL's.
\set VERBOSITY terse
ALTER SERVER kc_other OPTIONS (ADD "bootstrap.servers" '127.0.0.1:1', ADD "security.protocol" 'SSL', ADD "ssl.ca.pem" 'no certificate');
SELECT * FROM velo.kafka_topics('kc_other');
\set VERBOSITY default
-- No broker there.
SET velo.kafka_timeout = '300ms';
SELECT * FROM velo.kafka_topics('127.0.0.1:1');

SET client_min_messages = warning;
DROP SERVER kc, kc_other, kc_secret CASCADE;
DROP ROLE kc_alice, kc_bob;
