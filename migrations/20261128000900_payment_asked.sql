-- How often payments were asked for, for each subject (a hash) of a limit. It is not logged: a crash forgets it, and no commit
-- waits for a disk because of it. What is a day old is deleted in batches.
create unlogged table payment_asked (
    kind text not null,
    subject bytea not null,
    since timestamptz not null,
    times bigint not null,
    primary key (kind, subject)
);

create index payment_asked_since on payment_asked (since);
