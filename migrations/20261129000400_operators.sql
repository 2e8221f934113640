-- What operators did: the audit log, and actions on many checkouts.

-- One row for each action that an operator took or was refused. Each row carries the hash of the one before it, so that a
-- changed or removed row is found. No personal data belongs in here: it is never redacted.
create table audit (
    audit_id bigint primary key check (audit_id > 0),
    at timestamptz not null,
    actor text not null,
    role text not null check (role in ('read', 'act', 'money')),
    action text not null,
    checkout_id uuid,
    order_id bigint,
    reason text not null,
    -- `done`, or `refused: ` and the guard that refused it.
    result text not null,
    -- The details of the request, as JSON text: it is hashed as it is written.
    detail text not null,
    previous bytea not null,
    hash bytea not null unique
);
create index audit_checkout on audit (checkout_id, audit_id) where checkout_id is not null;

-- The end of the chain. Adding a row locks this one, so that rows are added one after the other; and it shows when the last row
-- was removed.
create table audit_head (
    only_one boolean primary key default true check (only_one),
    audit_id bigint not null,
    hash bytea not null
);
insert into audit_head (audit_id, hash) values (0, decode(repeat('00', 32), 'hex'));

-- Actions on many checkouts, carried out on the server by any process, one transaction for each checkout.
create table bulk (
    bulk_id uuid primary key,
    action text not null,
    filter json not null,
    reason text not null,
    actor text not null,
    role text not null check (role in ('act', 'money')),
    total bigint not null,
    created_at timestamptz not null default now()
);

create table bulk_item (
    bulk_id uuid not null references bulk,
    checkout_id uuid not null references checkout,
    -- Null until it was dealt with.
    outcome text check (outcome in ('done', 'refused', 'failed')),
    detail text not null default '',
    ended_at timestamptz,
    primary key (bulk_id, checkout_id)
);
-- What is still to be done: all that the processes look at.
create index bulk_item_open on bulk_item (bulk_id, checkout_id) where outcome is null;
