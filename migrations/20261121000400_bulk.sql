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
