-- What the metrics ask again and again, without ever walking through what is finished (src/store/vitals.rs).
--
-- A checkout that goes straight from one step to the next is never in this index, so the straight path does not pay for it.

create index checkout_unsettled on checkout (status, step) where status in ('waiting', 'compensating', 'stuck');
