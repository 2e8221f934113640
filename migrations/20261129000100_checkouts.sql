-- A checkout: its state, what it holds, its history, its orders, keys and tokens.
--
-- Every table carries the checkout id first in its primary key, so that a database can be split by it.
--
-- Documents are `json`, not `jsonb`: they are kept as they were sent (digits of amounts included, and characters that jsonb
-- refuses), and nothing is ever looked up inside them. What is looked up has a column of its own.
--
-- One statement writes a checkout and whatever belongs to it, so no row here can be without its checkout, and no checkout is
-- ever deleted. A foreign key would look the checkout up again, and lock it, for every row: the tables of this file have none.

-- The state: the row that every transition writes. Every index on what a transition changes is paid for by every transition,
-- so there is one for each kind of question and no more.
create table checkout (
    -- UUIDv7: lists that are sorted by creation walk the primary key.
    checkout_id uuid primary key,
    store text not null,
    flow text not null check (flow in ('cart', 'direct-order')),
    status text not null check (status in
        ('awaiting_input', 'running', 'waiting', 'completed', 'compensating', 'cancelled', 'expired', 'stuck')),
    -- The first step that is not done; null when final.
    step text,
    -- Grows with every recorded transition.
    version bigint not null check (version > 0),
    -- Grows with every claim. An outcome is written only under the current one.
    fence bigint not null check (fence > 0),
    -- The process that holds the lease.
    leased_by uuid,
    -- When recovery looks at this row: the end of a lease, a timer, or the expiry of an abandoned checkout.
    due_at timestamptz,
    -- When an idle checkout with an order is compared with BigCommerce next (RECONCILE_SECONDS).
    look_at timestamptz,
    -- A webhook came since the work in progress began; its next wait is left out, because what the work had read may be older
    -- than what the webhook is about.
    hinted boolean not null default false,
    -- How many leases in a row ran out without anything recorded: what kills its process again and again becomes stuck.
    lost_leases integer not null default 0,
    stuck_reason text,
    order_id bigint,
    -- Steps, facts, goal and the attempt in flight.
    record json not null,
    -- Which version of the record this is (src/db/row.rs, RECORD_VERSION). Several versions of the program run side by side
    -- during a deployment; a process leaves a record that it cannot read to one that can.
    record_version smallint not null default 1,
    -- The record version of the program that tried to read it and could not, and why.
    unreadable_for smallint,
    unreadable_reason text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    expires_at timestamptz not null,
    -- When its personal data was removed; null while it is there.
    redacted_at timestamptz,

    -- A checkout is idle, or has a lease or a timer.
    constraint running_has_a_lease check (status <> 'running' or (leased_by is not null and due_at is not null)),
    constraint waiting_has_a_timer check (status <> 'waiting' or (leased_by is null and due_at is not null)),
    constraint compensating_has_a_timer check (status <> 'compensating' or due_at is not null),
    constraint rest_has_no_lease check (
        status not in ('awaiting_input', 'completed', 'cancelled', 'expired', 'stuck') or leased_by is null),
    constraint end_has_no_timer check (
        status not in ('completed', 'cancelled', 'expired', 'stuck') or due_at is null),
    constraint stuck_has_a_reason check ((status = 'stuck') = (stuck_reason is not null))
-- A row's next version finds room in the same page.
) with (fillfactor = 60);

-- Recovery reads only these two.
create index checkout_due on checkout (due_at) where due_at is not null;
create index checkout_look on checkout (look_at) where look_at is not null;
-- Operators' lists.
create index checkout_status_updated on checkout (status, updated_at, checkout_id) include (step);
create index checkout_stuck_reason on checkout (stuck_reason, checkout_id) where stuck_reason is not null;
create index checkout_unreadable on checkout (unreadable_for) where unreadable_for is not null;
-- Metrics, without walking through what is finished (src/store/vitals.rs). A checkout that goes straight from one step to the
-- next is never in it.
create index checkout_unsettled on checkout (status, step) where status in ('waiting', 'compensating', 'stuck');
-- The janitor: ended checkouts that still hold personal data. Nothing in it changes once a checkout has ended.
create index checkout_unredacted on checkout (created_at)
    where redacted_at is null and status in ('completed', 'cancelled', 'expired');

-- What is large or looked up, and changes seldom: a row of its own, so that a transition does not write it again.
create table checkout_content (
    checkout_id uuid primary key,
    store text not null,
    cart_id text,
    email text,
    -- Cancelled or expired: its cart may be taken over again.
    released boolean not null default false,
    metadata json not null,
    -- What the shopper entered. Never card data.
    input json not null,
    -- The latest cart or checkout object of BigCommerce.
    document json
-- Up to this size a row is not split. A row begins small and grows: three of them begin in a page, each with room for its
-- next version.
) with (toast_tuple_target = 2900, fillfactor = 30);

create index checkout_cart on checkout_content (cart_id) where cart_id is not null;
-- Two checkouts of one cart would order it twice. The id of a cart is the same in capitals.
create unique index checkout_cart_one_alive on checkout_content (store, lower(cart_id))
    where cart_id is not null and not released;
create index checkout_email on checkout_content (lower(email), checkout_id) where email is not null;
create index checkout_store on checkout_content (store, checkout_id);

-- lz4 takes a fraction of the time of PostgreSQL's own method, where it is built in.
do $$
begin
    alter table checkout_content alter column input set compression lz4, alter column document set compression lz4;
exception when feature_not_supported then
    null;
end
$$;

-- The history: one row for each transition, never changed. A row says what ended (an outcome) and what began (an intent), so
-- that both are committed by one statement. Replaying `event` gives the status. A version is written once, because the same
-- statement moves the row of the checkout to it.
create table attempt_log (
    checkout_id uuid not null,
    attempt_log_id bigint generated always as identity,
    -- The version that this transition made; null for evidence that came too late to change anything.
    version bigint,
    at timestamptz not null default now(),
    event text not null,
    fence bigint not null,
    process_id uuid not null,
    ended_step text,
    ended_attempt integer,
    outcome text check (outcome in ('succeeded', 'rejected', 'retry', 'unknown')),
    upstream_status smallint,
    duration_ms integer,
    -- What was sent and answered, without secrets.
    detail json,
    began_step text,
    began_attempt integer,
    primary key (checkout_id, attempt_log_id)
);

-- The orders of a checkout. Only one may ever be paid: its id is committed here before the first payment access token.
create table checkout_order (
    checkout_id uuid not null,
    order_id bigint not null,
    store text not null,
    created_at timestamptz not null default now(),
    -- When it was found to be beyond payment (its payment settled as declined, or it was cancelled or deleted).
    dead_at timestamptz,
    primary key (checkout_id, order_id)
);
create unique index checkout_order_one_alive on checkout_order (checkout_id) where dead_at is null;
-- An order is paid by one checkout; orders are found by their id.
create unique index checkout_order_one_owner on checkout_order (order_id, store);

-- Idempotency keys, bound and answered by the statement that records the attempt.
create table idempotency_key (
    checkout_id uuid not null,
    principal text not null,
    key text not null,
    operation text not null,
    -- SHA-256 of principal, operation, target and canonical body; nothing in it comes from card data.
    fingerprint bytea not null,
    -- Its answer; null while that is not known.
    answer json,
    created_at timestamptz not null default now(),
    primary key (checkout_id, principal, key)
-- A key is answered beside where it was bound: its indexes need not know.
) with (fillfactor = 70);
create unique index idempotency_key_scope on idempotency_key (principal, key);
-- Old keys are deleted in batches (src/store/forget.rs). The key of a creation is kept as long as its checkout, because
-- repeating a creation makes another checkout.
create index idempotency_key_age on idempotency_key (created_at) where operation <> 'create';

-- Checkout tokens, as hashes only.
create table checkout_token (
    checkout_id uuid not null,
    token_hash bytea not null,
    created_at timestamptz not null default now(),
    primary key (checkout_id, token_hash)
);
create index checkout_token_age on checkout_token (created_at);

-- A checkout that has ended may still turn out to be something else: the hosted page was paid in the same moment, or an order
-- whose answer was lost shows only now. Such an end leaves one late look, and a webhook asks for one. A table of its own,
-- because what has ended has no lease and no timer, and is never claimed.
create table late_look (
    checkout_id uuid primary key,
    due_at timestamptz not null,
    -- Looks so far that found nothing.
    looks integer not null default 0,
    -- A webhook asked for it: what it is about may not be listed yet, so there is one look more.
    again boolean not null default false
);
create index late_look_due on late_look (due_at);
