#!/bin/sh
# A day in ten commands, on books of its own: sh examples/day.sh (needs kelly on the PATH).
set -eu

callbacks=$(cd "$(dirname "$0")/callbacks" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# No setting of this machine reaches the day: a kelly.toml of its own, and none from the environment.
cd "$folder"
: >kelly.toml
for name in $(env | sed -n -e 's/^\(KELLY_[A-Z0-9_]*\)=.*/\1/p' -e 's/^\(MPESA_[A-Z0-9_]*\)=.*/\1/p'); do
    unset "$name"
done

run() {
    printf '\n$ kelly %s\n' "$*"
    kelly "$@"
}

run customer create "Jane Wanjiku" --phone 0712345678
run invoice create --customer CUST-001 --amount 5000 --date 2026-02-03
run pos create --item 'PROD-001,Coca Cola,2,50' --date 2026-02-03
run webhook ingest "$callbacks/guide.json" "$callbacks/phone-masked-hash.json"
run invoice show INV-20260203-0001
# This one fails, as it should: its reference is mistyped. Exit code 3 says "partly done".
run webhook ingest "$callbacks/mistyped.json" || [ $? -eq 3 ]
run suspense list
run suspense assign SB36000005 --to CUST-001 --reason "she called"
run report daily --date 2026-02-03
run db check
