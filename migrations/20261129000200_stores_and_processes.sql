-- Stores, the processes that serve them, and the limits that processes share.

-- A store is identified by its hash, whatever the configuration calls it. `store` everywhere is the name under which a hash was
-- first seen, so a store that is renamed in the configuration keeps its carts, its orders and its idempotency keys.
create table store_identity (
    -- In lower case.
    store_hash text primary key check (store_hash = lower(store_hash)),
    store text not null unique
);

-- The running processes: they share the request quota that BigCommerce grants to a store. A row is written when a process
-- starts and every few seconds while it runs, and removed when it ends; the row of a killed process is removed by the others
-- (src/store/processes.rs).
create table process (
    process_id uuid primary key,
    -- What it does: `serve` or `worker`. For operators; nothing depends on it.
    kind text not null,
    started_at timestamptz not null default now(),
    seen_at timestamptz not null default now()
);

-- How many payments were asked for, for each subject (a hash) of a limit. It is not logged: a crash forgets it, and no commit
-- waits for a disk because of it. Rows a day old are deleted in batches.
create unlogged table payment_asked (
    kind text not null,
    subject bytea not null,
    since timestamptz not null,
    times bigint not null,
    primary key (kind, subject)
);
create index payment_asked_since on payment_asked (since);
