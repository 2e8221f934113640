-- What operators look for, and the log of what they did.
--
-- Every index is paid for by every transition, so there is one for each kind of question and no more. Lists that are
-- sorted by creation walk the primary key: ids are UUIDv7, so they sort by the time they were made.

create index checkout_status_updated on checkout (status, updated_at, checkout_id);
create index checkout_store on checkout (store, checkout_id);
create index checkout_step on checkout (step, checkout_id) where step is not null;
create index checkout_stuck_reason on checkout (stuck_reason, checkout_id) where stuck_reason is not null;
create index checkout_email on checkout (lower(email), checkout_id) where email is not null;
-- Also the orders that were given up are found again by their id.
create index checkout_order_id_all on checkout_order (order_id);

-- One row for each thing that an operator did or was refused. Each row carries the hash of the one before it, so that
-- a changed or removed row is found. No personal data belongs in here: it is never redacted.
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
    -- What was asked in particular, as JSON text: it is hashed as it is written.
    detail text not null,
    previous bytea not null,
    hash bytea not null unique
);
create index audit_checkout on audit (checkout_id, audit_id) where checkout_id is not null;

-- The end of the chain. Whoever adds a row locks this one, so that rows are added one after the other; and it tells
-- when the last row was removed.
create table audit_head (
    only_one boolean primary key default true check (only_one),
    audit_id bigint not null,
    hash bytea not null
);
insert into audit_head (audit_id, hash) values (0, decode(repeat('00', 32), 'hex'));
