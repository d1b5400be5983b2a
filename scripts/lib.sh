# shellcheck shell=bash
# What all scripts share: where things are, which PostgreSQL, and under which user
# its programs run.  Sourced, never executed.
set -euo pipefail
# The server's user must be able to read what root builds for it.
umask 022
# A script never ends without a word: set -e alone would.
trap 'echo "${0##*/}: line $LINENO failed: $BASH_COMMAND" >&2' ERR

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
export VELO_PGPORT=${VELO_PGPORT:-5499} VELO_HTTP_PORT=${VELO_HTTP_PORT:-8499} VELO_KAFKA_PORT=${VELO_KAFKA_PORT:-9499}

say() { printf '%s\n' "$*"; }
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# ------------------------------------------------------------------ users
# PostgreSQL refuses to run as root.  Then its programs run as the user that Debian's
# packages make; otherwise as whoever calls us.  Nothing but apt ever uses sudo.
is_root() { [[ $(id -u) -eq 0 ]]; }
pg_user() { if is_root; then echo postgres; else id -un; fi; }

as_pg() {
	if is_root; then
		# runuser keeps the environment, but HOME is root's; cd because the current
		# folder may be one that this user cannot enter.
		(cd / && HOME=/nonexistent exec runuser -u postgres -- "$@")
	else
		"$@"
	fi
}

as_root() { if is_root; then "$@"; else sudo "$@"; fi; }

# Makes a folder that belongs to the user PostgreSQL runs as.
pg_folder() {
	mkdir -p "$1"
	if is_root; then chown "$(pg_user)": "$1"; fi
	chmod "${2:-0755}" "$1"
}

# ------------------------------------------------------------------ folders
# The nearest existing ancestor decides whether the server's user can get there.
can_enter() {
	local folder=$1
	while [[ ! -d $folder ]]; do folder=$(dirname "$folder"); done
	as_pg test -x "$folder" -a -r "$folder" 2>/dev/null
}

# Everything we build and run is in here.  A folder that the server's user cannot
# enter (root's home, say) is replaced by one under /var/lib.
find_home() {
	local wanted=${VELO_HOME:-$root/.run}
	[[ $wanted == /* ]] || wanted=$PWD/$wanted
	if is_root && id postgres >/dev/null 2>&1 && ! can_enter "$wanted"; then
		local hash
		hash=$(printf '%s' "$wanted" | cksum | cut -d' ' -f1)
		echo "/var/lib/velostream/$hash"
	else
		echo "$wanted"
	fi
}

use_home() {
	local wanted=${VELO_HOME:-$root/.run}
	VELO_HOME=$(find_home)
	export VELO_HOME
	if [[ $VELO_HOME == /var/lib/velostream/* && $wanted != "$VELO_HOME" ]]; then
		say "user $(pg_user) cannot enter $wanted; using $VELO_HOME"
	fi
	mkdir -p "$VELO_HOME"
	[[ -w $VELO_HOME ]] || die "cannot write to $VELO_HOME (made by another user? set VELO_HOME)"
}

# ------------------------------------------------------------------ PostgreSQL
# 15 on Debian 12, 17 on Debian 13: whatever server-dev package is the release's own.
pg_major_wanted() {
	case $(. /etc/os-release && echo "${VERSION_ID:-}") in
	12) echo 15 ;;
	13) echo 17 ;;
	*) apt-cache depends postgresql-server-dev-all 2>/dev/null |
		grep -o 'postgresql-server-dev-[0-9]*' | sort -V | tail -1 | grep -o '[0-9]*$' || echo 15 ;;
	esac
}

# Sets PG_CONFIG and PG_MAJOR to the system's installation that we build against.
use_postgres() {
	if [[ -z ${PG_CONFIG:-} ]]; then
		PG_CONFIG=/usr/lib/postgresql/$(pg_major_wanted)/bin/pg_config
	fi
	[[ -x $PG_CONFIG ]] || PG_CONFIG=$(command -v "$PG_CONFIG") ||
		die "no pg_config at $PG_CONFIG: run scripts/setup or set PG_CONFIG"
	PG_MAJOR=$("$PG_CONFIG" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
	export PG_CONFIG PG_MAJOR
}

# Names of the folders of one kind of build: release (run) or test.
use_kind() {
	kind=pg$PG_MAJOR
	if [[ ${VELO_TESTPOINTS:-} == 1 ]]; then kind+=-test; fi
	build=${VELO_BUILD:-$VELO_HOME/build/$kind}
}

# ------------------------------------------------------------------ small things
# Where this machine's apt gets the release from; nothing before the first update.
debian_mirror() {
	apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
		awk -v release="$(. /etc/os-release && echo "$VERSION_CODENAME")" '$1 == release { print $2; exit }'
}

# A TCP port on loopback that nothing listens on.
free_port() {
	local port
	for _ in $(seq 50); do
		port=$((20000 + RANDOM % 12000))
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo "$port"
			return
		fi
	done
	die "found no free port"
}

parallel() { if [[ $(nproc) -gt 1 ]]; then echo 2; else echo 1; fi; }
