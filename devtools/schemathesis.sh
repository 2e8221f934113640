#!/usr/bin/env bash
# Schemathesis asks every operation of openapi.yaml what it makes of odd requests, once with each credential, on a service, a simulator
# and a PostgreSQL of its own. Nothing may answer with an unexpected error, or with what openapi.yaml does not say.
# `./dev schemathesis` builds what it takes: the path of `dev`, and for how many seconds each credential is tried.
set -euo pipefail

dev=$1 seconds=${2:-30}
root=$PWD target=${dev%/debug/dev}
tool=$target/schemathesis/bin/schemathesis
events=/v1/checkouts/{id}/events

# Without it nothing is tested, which CI must not take for a pass.
not_run() {
    echo "!!! THE SERVICE IS NOT TESTED AGAINST openapi.yaml BY SCHEMATHESIS: $1 !!!"
    exit "$([[ -z ${CI:-} ]] && echo 0 || echo 1)"
}

if ! "$tool" --version >/dev/null 2>&1; then
    echo '==> installing schemathesis (once)'
    log=$(python3 -m venv --clear "$target/schemathesis" 2>&1) || not_run "python3 with its module venv is missing: $log"
    log=$("$target/schemathesis/bin/pip" install --quiet 'schemathesis>=4,<5' 2>&1) || {
        rm -rf "$target/schemathesis"
        not_run "it cannot be installed: ${log##*$'\n'}"
    }
fi

folder=$(mktemp -d)
running=''
stop() {
    if [[ -n $running ]]; then
        kill "$running" 2>/dev/null || true
        wait "$running" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap stop EXIT
# Its user is another one where we are root.
chmod 711 "$folder"

for limit in KEY PUBLISHABLE_KEY ADDRESS CREATIONS CHECKOUT UNKNOWN; do export "LIMIT_${limit}_PER_MINUTE=0"; done
for limit in CHECKOUT SHOPPER ADDRESS; do export "LIMIT_PAYMENTS_${limit}_PER_HOUR=0" "LIMIT_DECLINES_${limit}_PER_DAY=0"; done
env -u DATABASE_URL -u DATABASE_URL_FILE -u LISTEN_ADDR -u SIMULATOR_ADDR \
    RETRY_BASE_MS=1 RETRY_MAX_SECONDS=1 "$dev" up --folder "$folder/up" >"$folder/log" 2>&1 &
running=$!
until grep -q '^headless-checkout is ready' "$folder/log"; do
    kill -0 "$running" 2>/dev/null || {
        running=''
        cat "$folder/log"
        exit 1
    }
    sleep 0.2
done
api=$(sed -n 's/^  API  *\(http[^ ]*\) .*/\1/p' "$folder/log")

# create NUMBER: a checkout that can be paid; sets id, token and total.
create() {
    local address='{"first_name":"Ada","last_name":"Lovelace","email":"ada@example.com","address1":"1 Main St","city":"Austin","state_or_province":"Texas","state_or_province_code":"TX","postal_code":"78701","country_code":"US"}' answer
    answer=$(curl -fsS "$api/v1/checkouts" -H 'Authorization: Bearer dev-storefront-key' -H "Idempotency-Key: create-$1" -H 'Content-Type: application/json' \
        -d "{\"line_items\":[{\"product_id\":120,\"quantity\":1}],\"billing_address\":$address,\"consignments\":[{\"address\":$address}],\"shipping_preference\":\"cheapest\"}")
    read -r id token total < <(python3 -c 'import json, sys; a = json.load(sys.stdin); print(a["id"], a["checkout_token"], a["totals"]["grand_total"])' <<<"$answer")
}

create order
answer=$(curl -fsS "$api/v1/checkouts/$id/complete" -H "Authorization: Bearer $token" -H 'Idempotency-Key: pay' -H 'Content-Type: application/json' \
    -d "{\"agreed_total\":$total,\"payment\":{\"payment_method_id\":\"stripe.card\",\"instrument\":{\"type\":\"card\",\"number\":\"4111111111111111\",\"cardholder_name\":\"Ada Lovelace\",\"expiry_month\":12,\"expiry_year\":2035,\"verification_value\":\"123\"}}}")
order=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["order"]["id"])' <<<"$answer")
paid=$id

failed=()
# try NAME PATHS HEADER...: with one credential, on a checkout that nobody has touched yet and on one that is paid.
try() {
    printf '==> schemathesis: %s\n' "$1"
    create "${1// /-}"
    local -a headers=()
    local header
    for header in "${@:3}"; do headers+=(--header "${header/TOKEN/$token}"); done
    # Most ids are of something that exists: what is not there is always answered in the same way.
    # It keeps what failed where it is started, which is in the folder that goes.
    # An upstream or a database that cannot be asked is a documented answer; an unexpected error (500) is not.
    cat >"$folder/schemathesis.toml" <<TOML
[dictionaries.checkouts]
values = ["$id", "$id", "$paid"]
[dictionaries.orders]
values = [$order]
[parameters]
"path.id" = { dictionary = "checkouts", probability = 0.9 }
"path.order_id" = { dictionary = "orders", probability = 0.9 }
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]
TOML
    (cd "$folder" && "$tool" --config-file schemathesis.toml run "$root/openapi.yaml" --url "$api" --no-color --include-path-regex "$2" --exclude-path "$events" \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
        --phases examples,coverage,fuzzing --max-examples 20 --max-time "$seconds" --seed 1 --generation-database none --workers 1 \
        --continue-on-failure --no-shrink --generation-with-security-parameters false --warnings off --request-timeout 30 \
        ${headers[@]+"${headers[@]}"}) </dev/null || failed+=("$1")
}

# What a credential opens has most of the time; that it opens nothing else is seen with those that are asked everywhere.
try 'nobody' '^/'
try 'server key' '^/v1/' 'Authorization: Bearer dev-storefront-key'
try 'publishable key' '^/' 'Authorization: Bearer dev-publishable-key' 'Origin: http://localhost:3000'
try 'checkout token' '^/v1/' 'Authorization: Bearer TOKEN'
try 'operator, read' '^/' 'Authorization: Bearer dev-operator-read'
for role in act money; do try "operator, $role" '^/ops/' "Authorization: Bearer dev-operator-$role"; done

if grep -a -A 5 'panicked at' "$folder/up/headless-checkout.log"; then failed+=('a panic in the service'); fi
if [[ ${#failed[@]} -gt 0 ]]; then
    printf '==> schemathesis: not as openapi.yaml says: %s\n' "$(printf '%s; ' "${failed[@]}")"
    exit 1
fi
echo '==> schemathesis: every answer is as openapi.yaml says'
