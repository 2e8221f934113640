-- Payments that were declined, by whom they are counted for. Like payment_asked it does not survive a crash, and is in no backup.
create unlogged table payment_declined (
    -- The limit.
    kind text not null,
    -- SHA-256 of whom.
    subject bytea not null,
    -- How much of what may be declined in a day is used up; as of `at`, from when on it gets less evenly.
    share float8 not null,
    at timestamptz not null,
    primary key (kind, subject)
);
