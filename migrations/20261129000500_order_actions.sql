-- What operators ask BigCommerce to do to an order and must not be done twice: refund, capture, void, shipment.
--
-- The row is the intent: it is committed before the call and says afterwards how it ended. While that is not known the row is
-- open and due, and recovery looks at BigCommerce until it is.
create table order_action (
    -- Also our key at BigCommerce: it stands in the reason of a refund, where it is found again.
    order_action_id uuid primary key,
    store text not null,
    order_id bigint not null check (order_id > 0),
    kind text not null check (kind in ('refund', 'capture', 'void', 'shipment')),
    -- Who asked, and the idempotency key in that scope.
    principal text not null,
    key text not null,
    -- SHA-256 of principal, operation, target and canonical body.
    fingerprint bytea not null,
    actor text not null,
    role text not null check (role in ('act', 'money')),
    reason text not null,
    -- The checkout that is cancelled by it.
    checkout_id uuid references checkout,
    -- JSON text as it is sent; empty when there is no body.
    body text not null,
    -- JSON text: what BigCommerce showed just before, so that what is new can be told from what was there.
    seen text not null,
    status text not null check (status in ('sending', 'unknown', 'done', 'rejected', 'not-done')),
    -- How often it was sent, at most.
    attempts integer not null default 1,
    -- How often its effect was looked for.
    looks integer not null default 0,
    -- Grows with every process that takes it. An outcome is written only under the current one.
    fence bigint not null default 1,
    -- The end of a lease, or the next look.
    due_at timestamptz,
    unknown_since timestamptz,
    -- JSON text: its result.
    answer text,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),

    constraint order_action_key unique (principal, key),
    constraint open_is_due check ((status in ('sending', 'unknown')) = (due_at is not null)),
    constraint unknown_has_a_time check (status <> 'unknown' or unknown_since is not null),
    constraint end_has_an_answer check (status in ('sending', 'unknown') or answer is not null)
);
-- BigCommerce takes one refund of an order at a time; so do we take one action of any kind.
create unique index order_action_one_open on order_action (store, order_id) where due_at is not null;
-- Recovery reads only this.
create index order_action_due on order_action (due_at) where due_at is not null;
create index order_action_order on order_action (order_id, order_action_id);
create index order_action_checkout on order_action (checkout_id) where checkout_id is not null;
