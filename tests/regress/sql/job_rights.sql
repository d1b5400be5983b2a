-- Who sees a job: its owner and velo_admin; others do not, by whatever door.
SET client_min_messages = warning;
CREATE ROLE regress_owner IN ROLE velo_user;
CREATE ROLE regress_other IN ROLE velo_user;
CREATE ROLE regress_admin IN ROLE velo_admin;
GRANT CREATE ON SCHEMA public TO regress_owner;
SET ROLE regress_owner;
DO LANGUAGE velo $$
  CREATE STREAM rights_in (id bigint) WITH ('type' = 'native');
  CREATE STREAM rights_out AS SELECT id FROM rights_in EMIT CHANGES;
$$;
SELECT job_name FROM velo.job_status('rights_out');
SELECT job_name FROM velo.jobs WHERE job_name = 'rights_out';
SET ROLE regress_other;
SELECT job_name FROM velo.job_status('rights_out');
SELECT job_name FROM velo.job_status();
SELECT job_name FROM velo.jobs WHERE job_name = 'rights_out';
SELECT count(*) FROM velo._positions;
SELECT velo.job_stop('rights_out');
SET ROLE regress_admin;
SELECT job_name FROM velo.job_status('rights_out');
RESET ROLE;
DROP OWNED BY regress_owner CASCADE;
DROP ROLE regress_owner, regress_other, regress_admin;
