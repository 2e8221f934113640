-- Personal data does not stay longer than it is needed. What is left of a redacted checkout are its ids, its steps, its statuses
-- and its amounts (src/checkout/redaction.rs).

-- What was removed, when and why; never whose it was.
create table redaction (
    checkout_id uuid not null references checkout,
    redaction_id bigint generated always as identity,
    at timestamptz not null default now(),
    cause text not null check (cause in ('retention', 'request')),
    -- The operator's words; null when the retention time had passed.
    reason text,
    primary key (checkout_id, redaction_id),
    constraint a_request_has_a_reason check ((cause = 'request') = (reason is not null))
);
