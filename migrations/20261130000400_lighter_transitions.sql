-- Transitions from one step to the next, under one lease, change nothing that an index holds: PostgreSQL then writes the row
-- alone (a heap-only tuple), and a quarter of the log. So the step stands in no index, and neither the end of the lease
-- nor `updated_at` is written by them (src/db/transition/statement.rs).

drop index checkout_status_updated;
create index checkout_status_updated on checkout (status, updated_at, checkout_id);

drop index checkout_unsettled;
create index checkout_unsettled on checkout (status) where status in ('waiting', 'compensating', 'stuck');
