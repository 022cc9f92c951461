#!/bin/sh
# install.sh PYTHON WHAT: install WHAT (".", ".[test]") in the versions of constraints.txt; where one of these was withdrawn,
# in the newest that fit together. Any other failure (no network, a full disk, a build) ends with what pip said.
python=$1 what=$2
said=$(mktemp) || exit 1
trap 'rm -f "$said"' EXIT
trap 'exit 130' INT TERM

pip() {
    "$python" -m pip install --quiet --disable-pip-version-check --no-compile "$@" -e "$what" 2>"$said"
    status=$?
    cat "$said" >&2
    return $status
}

# Python's bytecode, on every core, where pip would take one; without it all runs, and begins more slowly.
compile() {
    "$python" -W ignore -m compileall -qq -j 0 "$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" course_utils
    return 0
}

unreachable='Failed to establish a new connection|Temporary failure in name resolution|Name or service not known'
unreachable="$unreachable|getaddrinfo failed|nodename nor servname|Network is unreachable|No route to host|Connection refused"
unreachable="$unreachable|Connection reset|Cannot connect to proxy|Tunnel connection failed|ProxyError|Read timed out"
unreachable="$unreachable|ConnectTimeoutError|Max retries exceeded"
withdrawn='No matching distribution found for [^ ]*==|ResolutionImpossible'

# Whether pip could not reach an index. A retry that helped is no failure, so a warning alone does not count. Where nobody answers
# pip says "from versions: none"; where only one of several indexes answers, that it finds no such version.
no_network() {
    grep -Eqi "^ *error.*($unreachable)" "$said" || grep -q '(from versions: none)' "$said" ||
        { grep -Eq "$withdrawn" "$said" && grep -Eqi "$unreachable" "$said"; }
}

give_up() {
    if no_network; then
        echo "No network: pip could not reach the place where it finds packages. Connect, or set its proxy or index; then again." >&2
    else
        echo "Nothing was installed; what pip said is above." >&2
    fi
    exit 1
}

pip -c constraints.txt && compile && exit 0
if no_network || ! grep -Eq "$withdrawn" "$said"; then give_up; fi
echo "A pinned version is no longer available (see above); trying the newest that fit together" >&2
pip || give_up
compile
