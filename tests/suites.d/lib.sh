# shellcheck shell=bash
# For the suites that pg_regress runs.
source "$VELO_ROOT/scripts/lib.sh"

# Names of the tests in a folder: tests_in FOLDER EXTENSION
tests_in() {
	find "$1" -maxdepth 1 -name "*.$2" -printf '%f\n' 2>/dev/null | sed "s/\.$2\$//" | sort
}

# A new test has no expected output yet, and pg_regress would stop there.  Prints the
# folder to test: the given one or, if an expected file is missing, one in $VELO_LOG
# that links to it and has an empty file in the missing one's place.
input_folder() {
	local folder=$1 staged=$VELO_LOG/input test missing=()
	shift
	for test in "$@"; do
		[[ -e $folder/expected/$test.out ]] || missing+=("$test")
	done
	if [[ ${#missing[@]} -eq 0 ]]; then
		echo "$folder"
		return
	fi
	echo "no expected output yet: ${missing[*]}; read results/, copy what is right" >&2
	rm -rf "$staged"
	mkdir -p "$staged/expected"
	find "$folder" -mindepth 1 -maxdepth 1 ! -name expected -exec ln -s -t "$staged" {} +
	find "$folder/expected" -name '*.out' -exec ln -s -t "$staged/expected" {} + 2>/dev/null || true
	for test in "${missing[@]}"; do : >"$staged/expected/$test.out"; done
	echo "$staged"
}
