-- A checkout that has ended may still turn out to be something else: the hosted page was paid in the same moment, or an order
-- whose answer was lost shows only now. Whoever ends such a checkout leaves one late look, and a webhook asks for one.
--
-- A table of its own, because what has ended has no lease and no timer, and is never claimed.
create table late_look (
    checkout_id uuid primary key,
    due_at timestamptz not null,
    -- Looks so far that found nothing out.
    looks integer not null default 0,
    -- A webhook asked for it: what it tells of may not be listed yet, so that it is looked at once more.
    again boolean not null default false
);
-- The processes read only this.
create index late_look_due on late_look (due_at);
