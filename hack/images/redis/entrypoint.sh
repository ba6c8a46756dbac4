#!/bin/sh
# Takes the official image's command lines: options alone, `redis-server …`, or any other program.
set -eu
umask 0077

case ${1:-} in
-* | *.conf) set -- redis-server "$@" ;;
esac

# Without a configuration file Redis would refuse every client of another container; like the
# official image, this one leaves the network to the operator.
if [ "${1:-}" = redis-server ]; then
    case ${2:-} in
    '' | --*)
        shift
        set -- redis-server --protected-mode no "$@"
        ;;
    esac
fi

exec "$@"
