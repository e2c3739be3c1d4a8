#!/bin/sh
# Builds .venv and installs one of the hash-locked lists: requirements/install.sh runtime | dev
# Fast when nothing changed: a stamp holds the list's checksum, the folder and the Python.
set -eu
cd "$(dirname "$0")/.."
wanted=${1:-runtime}
list=requirements/$wanted.txt
venv=.venv

fail() {
    echo "onecase: $*" >&2
    exit 1
}

stamp_of() {
    echo "$(cksum <"requirements/$1.txt") $PWD $(version_of "$venv/bin/python")"
}

version_of() {
    "$1" -c 'import sys; print(*sys.version_info[:3])' 2>/dev/null
}

[ -f "$list" ] || fail "there is no list $list."

# A Python that was named is the one to use, or none.
other=
if [ -n "${PYTHON:-}" ]; then
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        fail "PYTHON=$PYTHON cannot be used: it is no Python 3.11 or newer."
    [ "$(version_of $venv/bin/python)" = "$(version_of "$PYTHON")" ] || other=yes
fi

# Nothing to do: the usual start.
if [ -z "$other" ] && [ -x $venv/bin/python ] && [ -f "$venv/onecase-$wanted" ] &&
    [ "$(stamp_of "$wanted" 2>/dev/null)" = "$(cat "$venv/onecase-$wanted")" ]; then
    exit 0
fi

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

python=$(find_python) || fail "Python 3.11 or newer is needed, and $(
    python3 -V 2>/dev/null || echo 'no python3'
) was found. Install it, or name one: make run PYTHON=/path/to/python3.11"
# shellcheck disable=SC2188
(: >.onecase-write-test) 2>/dev/null || fail "the folder $PWD cannot be written to by $(id -un)."
rm -f .onecase-write-test

# A moved checkout makes the old environment useless.
if [ -d $venv ] && ! [ "$($venv/bin/python -c 'import os, sys; print(os.path.realpath(sys.prefix))' 2>/dev/null)" = "$(cd $venv && pwd -P)" ]; then
    rm -rf $venv
fi
if [ -n "$other" ] || [ ! -x $venv/bin/python ] || ! $venv/bin/python -c 'import pip' 2>/dev/null; then
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        fail "$python has no venv module. On Debian and Ubuntu: apt install python3-venv"
    echo "onecase: making $venv with $("$python" -V) ..."
    "$python" -m venv --clear $venv || fail "$venv could not be made in $PWD."
fi

export UV_PYTHON_DOWNLOADS=never PIP_DISABLE_PIP_VERSION_CHECK=1 VIRTUAL_ENV="$PWD/$venv"
echo "onecase: installing $list ..."

from_pip() {
    echo "$config" | sed -n "s/^[a-z:]*\.$1='\(.*\)'\$/\1/p" | tail -n 1
}

with_uv() {
    [ -z "${ONECASE_NO_UV:-}" ] || return 1
    # uv itself is installed by the hashes of the same list.
    awk '/^uv==/ {on=1} on {print} on && !/\\$/ {exit}' "$list" >$venv/uv.txt
    pin=$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' $venv/uv.txt)
    [ "$($venv/bin/uv --version 2>/dev/null | cut -d' ' -f2)" = "$pin" ] ||
        $venv/bin/python -m pip install -q --require-hashes -r $venv/uv.txt || return 1
    # uv does not read pip's configuration: pass on a package index and a certificate set there.
    config=$($venv/bin/python -m pip config list 2>/dev/null || true)
    index=${PIP_INDEX_URL:-$(from_pip index-url)}
    cert=${PIP_CERT:-$(from_pip cert)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
    [ -z "$cert" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$cert}"
    # sync also removes what is no longer listed; it would take the test tools of `make test` away.
    if [ "$wanted" = dev ] || [ ! -f $venv/onecase-dev ]; then
        $venv/bin/uv pip sync -q --require-hashes "$list"
    else
        $venv/bin/uv pip install -q --require-hashes -r "$list"
    fi
}

rm -f "$venv/onecase-$wanted"
if ! with_uv; then
    echo "onecase: uv did not work here; pip does the same more slowly (a minute or two) ..."
    $venv/bin/python -m pip install -q --require-hashes -r "$list" ||
        fail "the packages could not be installed; the lines above say why."
fi
stamp_of "$wanted" >"$venv/onecase-$wanted"
# The test list contains the other one, pin by pin (a test holds it to that).
[ "$wanted" != dev ] || stamp_of runtime >"$venv/onecase-runtime"
