-- What belongs to a checkout carries its id in its primary key, so that a database can be split by it.
--
-- The id of an event says nothing about its checkout, so it had keys of its own. They are looked up by the event, and
-- therefore start with it. An event belongs to one checkout, as ever; that its deliveries belong to the same one is now
-- held by the foreign keys as well.
--
-- It rewrites keys of tables that the janitor keeps small (EVENT_RETENTION_DAYS), and locks them while it does.

alter table delivery drop constraint delivery_event_id_fkey;
alter table delivery_log drop constraint delivery_log_event_id_fkey;

alter table outbox
    drop constraint outbox_pkey,
    add primary key (event_id, checkout_id);

alter table delivery
    drop constraint delivery_pkey,
    add primary key (event_id, destination, checkout_id),
    add constraint delivery_event foreign key (event_id, checkout_id) references outbox (event_id, checkout_id)
        on delete cascade;

alter table delivery_log
    drop constraint delivery_log_pkey,
    add primary key (checkout_id, delivery_log_id),
    add constraint delivery_log_event foreign key (event_id, checkout_id) references outbox (event_id, checkout_id)
        on delete cascade;
