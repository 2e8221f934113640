-- Outgoing events, and their deliveries.
--
-- An event is written by the very statement that causes it (src/store/transition.rs), so that neither happens without the
-- other. Where no destination is configured, none of these tables is ever touched. The id of an event says nothing about its
-- checkout; keys that are looked up by the event start with it and carry the checkout id as well.

-- One row for each event, never changed. Ids, statuses and amounts only: no personal data, no secrets.
create table outbox (
    checkout_id uuid not null references checkout,
    -- The `webhook-id`: the same however often the event is delivered, so that a receiver can tell a repetition.
    event_id uuid not null,
    store text not null,
    -- The version of the checkout that caused it, and its place among the events of that version: the order in which the
    -- events of a checkout are delivered.
    version bigint not null,
    ordinal smallint not null,
    type text not null,
    at timestamptz not null default now(),
    data json not null,
    primary key (event_id, checkout_id)
);
create index outbox_checkout on outbox (checkout_id, version);
-- Events are listed, redelivered and deleted by time.
create index outbox_at on outbox (at);

-- One row for each event and destination. It refers to the event alone: a delivery must never wait for a lock on the checkout.
create table delivery (
    checkout_id uuid not null,
    event_id uuid not null,
    destination text not null,
    version bigint not null,
    ordinal smallint not null,
    state text not null default 'pending' check (state in ('pending', 'delivered', 'given-up')),
    -- Tries since it was queued.
    attempts integer not null default 0,
    -- When it was written, or asked for again: from here the time is counted after which it is given up.
    queued_at timestamptz not null default now(),
    ended_at timestamptz,
    primary key (event_id, destination, checkout_id),
    constraint delivery_event foreign key (event_id, checkout_id) references outbox (event_id, checkout_id) on delete cascade,
    constraint an_end_has_a_time check ((state = 'pending') = (ended_at is null))
);
create index delivery_pending on delivery (destination, checkout_id, version, ordinal) where state = 'pending';

-- The queue: one row for each checkout with pending deliveries to a destination, gone when there are none. It is what processes
-- claim, so that the events of one checkout go out one after the other, and those of different checkouts and destinations never
-- wait for each other.
create table delivery_turn (
    checkout_id uuid not null,
    destination text not null,
    -- When to look: at once, after a pause, or when the lease of the process that is delivering runs out.
    due_at timestamptz not null default now(),
    leased_by uuid,
    -- Grows with every claim. Only the holder of the current one ends a turn.
    fence bigint not null default 0,
    -- Grows whenever something is queued. A turn ends only when nothing was queued since it was looked at.
    rung bigint not null default 0,
    -- Failed tries in a row.
    failures integer not null default 0,
    primary key (destination, checkout_id)
);
create index delivery_turn_due on delivery_turn (destination, due_at);

-- The delivery log: one row for each try, never changed. No answer is kept, only how it went.
create table delivery_log (
    checkout_id uuid not null,
    event_id uuid not null,
    delivery_log_id bigint generated always as identity,
    destination text not null,
    attempt integer not null,
    at timestamptz not null default now(),
    process_id uuid not null,
    outcome text not null check (outcome in ('delivered', 'failed', 'given-up')),
    -- The HTTP status of the answer; null when there was none.
    status smallint,
    -- What failed when there was no answer, in a word.
    failure text,
    duration_ms integer not null,
    primary key (checkout_id, delivery_log_id),
    constraint delivery_log_event foreign key (event_id, checkout_id) references outbox (event_id, checkout_id)
        on delete cascade
);
create index delivery_log_event on delivery_log (event_id);
