# shellcheck shell=bash
# Lists of files for the checks, relative to the root.  Files that git ignores are
# not ours to check; without git (an unpacked archive) everything is.
set -euo pipefail

our_files() {
	cd "$VELO_ROOT"
	# safe.directory: root may test a tree that belongs to somebody else.
	if git -c safe.directory="$VELO_ROOT" rev-parse --git-dir >/dev/null 2>&1; then
		git -c safe.directory="$VELO_ROOT" ls-files --cached --others --exclude-standard
	else
		find . -type f -not -path './.run/*' -not -path '*/node_modules/*' -not -path '*/build/*' |
			sed 's,^\./,,'
	fi | while IFS= read -r file; do
		# git also lists what was removed but not yet committed
		if [[ -f $file ]]; then echo "$file"; fi
	done
}

c_files() { our_files | grep -E '\.[ch]$' || true; }
extension_files() { c_files | grep -E '^(extension/src|bgworkers)/' || true; }
# What is built into programs instead.
program_files() { c_files | grep -E '^(common|gateway|cli)/' || true; }
program_packages='libmicrohttpd libpq jansson zlib libcrypto'

shell_files() {
	our_files | while IFS= read -r file; do
		if [[ $file == *.sh ]] || head -c 40 "$file" | grep -aqE '^#!.*\b(ba)?sh\b'; then echo "$file"; fi
	done
}
