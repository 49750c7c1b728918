#!/bin/sh
# The proofs that run with every change: P3, P4, P5, P14 and the short forms of P1 and P2.
#     sh tests/proofs/run_short.sh         these, within five minutes
#     sh tests/proofs/run_short.sh all     and P0, that each proof catches its bug, and P6
#     sh tests/proofs/run_short.sh long    all of them in their long form: a day
# One JSON line of figures for each; it ends with 1 when a promise was broken. P4 takes PostgreSQL
# too where KELLY_TEST_POSTGRES_URL names a server. PYTHON chooses the interpreter.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PYTHONPATH=$(cd "$here/../.." && pwd)
export PYTHONPATH
python=${PYTHON:-python3}
proofs="p14_addresses p3_no_ack_without_flush p5_two_receipts p4_same_receipt p2_kill_under_load"
form=""
case "${1:-short}" in
short) ;;
all) proofs="$proofs p6_fuzz p0_bite" ;;
long) proofs="$proofs p6_fuzz p0_bite" form="--long" ;;
*) echo "run_short.sh [short|all|long]" >&2 && exit 2 ;;
esac

prove() {
    [ "$1" = p0_bite ] && set -- p0_bite || set -- "$1" $form
    name=$1
    shift
    "$python" "$here/$name.py" "$@"
}

# The longest one stands beside the others: most of its time it waits for a start.
prove p1_crash_points &
beside=$!
broken=0
for proof in $proofs; do
    prove "$proof" || broken=1
done
wait "$beside" || broken=1
exit "$broken"
