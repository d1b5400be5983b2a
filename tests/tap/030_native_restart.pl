# Do a native stream's readers stay right when the server restarts or crashes?
#
# What is known of open writers lives in shared memory and is gone after a restart,
# but prepared transactions survive it: until they end, nothing may be promised.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('native');
$node->init;
$node->append_conf('postgresql.conf', q(
shared_preload_libraries = 'velostream'
max_prepared_transactions = 10
restart_after_crash = on
));
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION velostream');
$node->safe_psql('postgres', slurp_file("$FindBin::RealBin/../native/functions.sql"));
$node->safe_psql('postgres', q(
	CREATE TABLE columns (n integer);
	SELECT probe.native_create('public', 'events', 'columns');
	INSERT INTO events VALUES (1)));

# Rows read from a position, the position after them, and whether the watermark may move.
sub read_from
{
	my ($position) = @_;
	my $start = defined $position ? ", \"position\" => '$position'" : '';
	my $out = $node->safe_psql('postgres', qq(
		SELECT probe.source_open('events'$start) AS h \\gset
		SELECT coalesce(string_agg(vals[1], ',' ORDER BY seq), '') FROM probe.source_batch(:h);
		SELECT * FROM probe.source_batch(:h);
		SELECT isfinite(watermark_limit) FROM probe.source_state(:h);
		SELECT position FROM probe.source_state(:h)));
	return split /\n/, $out, -1;
}

my ($rows, $moves, $position) = read_from();
is($rows, '1', 'the first row is read');
is($moves, 't', 'nobody writes: the watermark moves');

$node->safe_psql('postgres', q(
	BEGIN; INSERT INTO events VALUES (2); PREPARE TRANSACTION 'writes';
	BEGIN; CREATE TABLE other (a int); PREPARE TRANSACTION 'writes_elsewhere'));
($rows, $moves, $position) = read_from($position);
is($rows, '', 'prepared rows are not read');
is($moves, 't', 'a known prepared transaction gives a finite limit');

$node->restart;
$node->safe_psql('postgres', 'INSERT INTO events VALUES (3)');
($rows, $moves, $position) = read_from($position);
is($rows, '3', 'rows of others are read after a restart');
is($moves, 'f', 'a prepared transaction from before holds the watermark');

$node->safe_psql('postgres', q(COMMIT PREPARED 'writes'));
($rows, $moves, $position) = read_from($position);
is($rows, '2', 'its row is read when it is committed');
is($moves, 'f', 'the other one might write to the stream as well, for all we know');
$node->safe_psql('postgres', q(ROLLBACK PREPARED 'writes_elsewhere'));
($rows, $moves, $position) = read_from($position);
is($moves, 't', 'the watermark moves again');

# A backend dies while it writes: the server resets shared memory, its rows vanish.
my $writer = $node->background_psql('postgres');
my $pid = $writer->query_safe('BEGIN; INSERT INTO events VALUES (4); SELECT pg_backend_pid()');
kill 'KILL', $pid;
# The dead one is listed until shared memory is made anew.
$node->poll_query_until('postgres',
	"SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)")
	or die 'the server did not come back';
eval { $writer->quit };
$node->safe_psql('postgres', 'INSERT INTO events VALUES (5)');
($rows, $moves, $position) = read_from($position);
is($rows, '5', 'committed rows are read after a crash, others not');
is($moves, 't', 'nobody holds the watermark');
is($node->safe_psql('postgres', 'SELECT string_agg(n::text, $$,$$ ORDER BY n) FROM events'),
	'1,2,3,5', 'the stream holds what was committed');

$node->stop;
done_testing();
