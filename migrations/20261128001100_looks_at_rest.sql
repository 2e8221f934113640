-- A checkout at rest whose order exists is looked at again and again: what a merchant did to the order is found without anybody
-- asking (RECONCILE_SECONDS). When it is looked at next stands in its row, so that it is written by the statement by which it comes
-- to rest, and taken away by the one by which it leaves.
alter table checkout add column look_at timestamptz;

create index checkout_look on checkout (look_at) where look_at is not null;

update checkout set look_at = now() + interval '60 seconds' where status = 'awaiting_input' and order_id is not null;
