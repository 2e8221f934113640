-- BigCommerce's webhooks. A row is written before its 200 is answered; it is a hint to look, never the news itself. BigCommerce
-- sends an event at least once: (scope, hash) tells a repetition.
create table webhook_event (
    store text not null,
    scope text not null,
    hash text not null,
    -- As received; ids only, no personal data (BigCommerce: webhooks overview).
    body json not null,
    received_at timestamptz not null default now(),
    -- The checkout that was made to look; null when the event is about none of ours.
    checkout_id uuid references checkout,
    primary key (store, scope, hash)
);
create index webhook_event_received on webhook_event (received_at);
