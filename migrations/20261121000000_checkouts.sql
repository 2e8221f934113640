-- The tables of a checkout. Every table carries the checkout id first, so that a database can be split by it.
--
-- Documents are `json`, not `jsonb`: they are kept as they were sent (digits of amounts included, and characters
-- that jsonb refuses), and nothing is ever looked up inside them. What is looked up has a column of its own.

create table checkout (
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
    -- How often in a row a lease ran out without anything recorded: what kills its process again and again is stuck.
    lost_leases integer not null default 0,
    stuck_reason text,
    cart_id text,
    order_id bigint,
    email text,
    -- What the shopper gave. Never card data.
    input json not null,
    -- Steps, facts, goal and the attempt in flight.
    record json not null,
    -- The latest cart or checkout object of BigCommerce. Beside the record, because it is large and changes less.
    document json,
    metadata json not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    expires_at timestamptz not null,

    -- Guarantee 5: a checkout is at rest, or has a lease or a timer.
    constraint running_has_a_lease check (status <> 'running' or (leased_by is not null and due_at is not null)),
    constraint waiting_has_a_timer check (status <> 'waiting' or (leased_by is null and due_at is not null)),
    constraint compensating_has_a_timer check (status <> 'compensating' or due_at is not null),
    constraint rest_has_no_lease check (
        status not in ('awaiting_input', 'completed', 'cancelled', 'expired', 'stuck') or leased_by is null),
    constraint end_has_no_timer check (
        status not in ('completed', 'cancelled', 'expired', 'stuck') or due_at is null),
    constraint stuck_has_a_reason check ((status = 'stuck') = (stuck_reason is not null))
);

-- Recovery reads only this.
create index checkout_due on checkout (due_at) where due_at is not null;
create index checkout_cart on checkout (cart_id) where cart_id is not null;
create index checkout_order_id on checkout (order_id) where order_id is not null;

-- The attempt log: one row for each transition, never changed. A row says what ended (an outcome) and what began
-- (an intent), so that both are committed by one statement. Replaying `event` gives the status.
create table attempt_log (
    checkout_id uuid not null references checkout,
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
    primary key (checkout_id, attempt_log_id),
    unique (checkout_id, version)
);

-- One order of a checkout may ever be paid: its id is committed here before the first payment access token.
create table checkout_order (
    checkout_id uuid not null references checkout,
    order_id bigint not null,
    store text not null,
    created_at timestamptz not null default now(),
    -- When it was found to be beyond payment (its payment settled as declined).
    dead_at timestamptz,
    primary key (checkout_id, order_id)
);
create unique index checkout_order_one_alive on checkout_order (checkout_id) where dead_at is null;
create unique index checkout_order_one_owner on checkout_order (store, order_id);

-- Idempotency keys, bound and answered by the statement that records the attempt.
create table idempotency_key (
    checkout_id uuid not null references checkout,
    principal text not null,
    key text not null,
    operation text not null,
    -- SHA-256 of principal, operation, target and canonical body; nothing in it comes from card data.
    fingerprint bytea not null,
    -- What became of it; null while that is not known.
    answer json,
    created_at timestamptz not null default now(),
    primary key (checkout_id, principal, key)
);
create unique index idempotency_key_scope on idempotency_key (principal, key);

-- Checkout tokens, as hashes only.
create table checkout_token (
    checkout_id uuid not null references checkout,
    token_hash bytea not null,
    created_at timestamptz not null default now(),
    primary key (checkout_id, token_hash)
);
