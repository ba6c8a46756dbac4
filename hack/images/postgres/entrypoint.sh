#!/bin/sh
# Makes the database on the first start, then becomes the server.
#
# Reads what the official image reads: POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD (each also as
# …_FILE), POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD, PGDATA and the scripts (*.sh, *.sql) in
# /docker-entrypoint-initdb.d. It never was root, so unlike there nothing changes owner: the data
# directory must belong to the user it runs as. Text sorts by code point unless told otherwise,
# because an index ordered by a C library's locale breaks with the next version of that library.
set -eu

fail() {
    printf 'postgres: %s\n' "$*" >&2
    exit 1
}

# value NAME DEFAULT: the variable, or the content of the file that NAME_FILE names.
value() {
    eval "plain=\${$1:-} file=\${$1_FILE:-}"
    [ -z "$plain" ] || [ -z "$file" ] || fail "$1 and $1_FILE are both set: set one"
    if [ -n "$file" ]; then
        [ -r "$file" ] || fail "$1_FILE names $file, which user $(id -u) cannot read"
        cat "$file"
    else
        printf '%s' "${plain:-$2}"
    fi
}

check_folder() {
    mkdir -p "$PGDATA" 2>/dev/null || fail "cannot make $PGDATA: give its parent to user $(id -u)"
    [ -w "$PGDATA" ] || fail "$PGDATA is not writable: chown it to user $(id -u)"
}

sql() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$user" "$@"; }

run_scripts() {
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
        *.sh) sh "$script" ;;
        *.sql) sql --dbname "$database" --file "$script" ;;
        esac
    done
}

# Everything happens in a folder aside, so that a stop half-way leaves no half-made database, and
# nothing is synced on the way: taking it up syncs all of it once.
initialise() {
    [ -z "$(find "$PGDATA" -mindepth 1 -maxdepth 1 ! -name .making ! -name lost+found)" ] ||
        fail "$PGDATA holds files but no PG_VERSION: restore the database or empty the folder"

    user=$(value POSTGRES_USER postgres)
    database=$(value POSTGRES_DB "$user")
    password=$(value POSTGRES_PASSWORD '')
    method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    [ -n "$password" ] || [ "$method" = trust ] ||
        fail "set POSTGRES_PASSWORD_FILE to a file that holds the superuser's password"
    rm -rf "$making"
    mkdir -m 0700 "$making"
    make_cluster
    export PGHOST=/var/run/postgresql POSTGRES_USER="$user" POSTGRES_DB="$database"
    pg_ctl --pgdata "$making" --options "-c listen_addresses='' -c fsync=off" --wait --silent start
    [ "$database" = postgres ] ||
        sql --dbname postgres --set "name=$database" <<'SQL'
CREATE DATABASE :"name";
SQL
    run_scripts
    pg_ctl --pgdata "$making" --mode fast --wait --silent stop
    printf '%s\n' "host all all all $method" >>"$making/pg_hba.conf"
    touch "$making/.complete"
}

# Each move is one rename and PG_VERSION is the last, so that a repeat ends in the same place.
take_up() {
    find "$making" -mindepth 1 -maxdepth 1 ! -name PG_VERSION ! -name .complete \
        -exec mv -t "$PGDATA" {} +
    sync -f "$PGDATA"
    mv "$making/PG_VERSION" "$PGDATA/"
    rm -rf "$making"
}

make_cluster() {
    # shellcheck disable=SC2086 # the variable holds several options, as in the official image
    printf '%s\n' "$password" | initdb --pgdata "$making" --username "$user" \
        --no-instructions --no-sync --pwfile /dev/stdin --encoding UTF8 --locale C.UTF-8 \
        --locale-provider builtin --builtin-locale C.UTF-8 ${POSTGRES_INITDB_ARGS:-}
    printf "listen_addresses = '*'\n" >>"$making/postgresql.conf"
}

case ${1:-} in
-*) set -- postgres "$@" ;;
esac

if [ "${1:-}" = postgres ]; then
    check_folder
    making=$PGDATA/.making
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        [ -e "$making/.complete" ] || initialise
        take_up
    fi
fi

exec "$@"
