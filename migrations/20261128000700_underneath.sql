-- Several versions of the program run side by side while one is deployed. A row says which version of the record it
-- holds (src/store/row.rs, RECORD_VERSION); whoever cannot read that one leaves it to somebody who can.

alter table checkout
    -- Rows from before this column are of version 1.
    add column record_version smallint not null default 1,
    -- The record version of the program that tried to read it and could not, and why; null: nobody failed.
    add column unreadable_for smallint,
    add column unreadable_reason text;

-- What operators and /readyz ask for. Nothing that can be read is in it.
create index checkout_unreadable on checkout (unreadable_for) where unreadable_for is not null;
