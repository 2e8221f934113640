-- Personal data does not stay longer than it is needed. What is left of a redacted checkout are its ids, its steps, its
-- statuses and its amounts (src/checkout/redaction.rs).

-- When its personal data was removed; null while it is there.
alter table checkout add column redacted_at timestamptz;

-- What the janitor reads: ended checkouts that still hold personal data. Neither `created_at` nor what decides about
-- membership changes once a checkout has ended, so that later updates of the row do not have to touch this index.
create index checkout_unredacted on checkout (created_at)
    where redacted_at is null and status in ('completed', 'cancelled', 'expired');

-- What was removed, when and why; never whose it was. The rest of a checkout's history stays as it is.
create table redaction (
    checkout_id uuid not null references checkout,
    redaction_id bigint generated always as identity,
    at timestamptz not null default now(),
    cause text not null check (cause in ('retention', 'request')),
    -- The operator's words; null when it was the time that had passed.
    reason text,
    primary key (checkout_id, redaction_id),
    constraint a_request_has_a_reason check ((cause = 'request') = (reason is not null))
);
