-- Every transition writes the row of its checkout, and every index on what it changes. So what is large or looked up, and
-- changes seldom, has a row of its own: what the shopper gave, what BigCommerce showed last, and what a checkout is found by.

create table checkout_content (
    checkout_id uuid primary key,
    store text not null,
    cart_id text,
    email text,
    -- Cancelled or expired: its cart may be taken over again.
    released boolean not null default false,
    metadata json not null,
    -- What the shopper gave. Never card data.
    input json not null,
    -- The latest cart or checkout object of BigCommerce.
    document json
-- Up to this size a row is not split.
) with (toast_tuple_target = 2900);

insert into checkout_content (checkout_id, store, cart_id, email, released, metadata, input, document)
select checkout_id, store, cart_id, email, status in ('cancelled', 'expired'), metadata, input, document from checkout;

-- Rows that begin from now on grow: three of them begin in a page, and find their next version beside them. What is whole
-- already needs no such room.
alter table checkout_content set (fillfactor = 30);
alter table checkout set (fillfactor = 60);

-- With the columns go their indexes.
drop index checkout_store;
alter table checkout drop column cart_id, drop column email, drop column metadata, drop column input, drop column document;

create index checkout_cart on checkout_content (cart_id) where cart_id is not null;
-- Two checkouts of one cart would order it twice.
create unique index checkout_cart_one_alive on checkout_content (store, cart_id)
    where cart_id is not null and not released;
create index checkout_email on checkout_content (lower(email), checkout_id) where email is not null;
create index checkout_store on checkout_content (store, checkout_id);

-- What is in flight is found by its status.
drop index checkout_step;
drop index checkout_status_updated;
create index checkout_status_updated on checkout (status, updated_at, checkout_id) include (step);

-- Orders are found by the table of orders, with one index for both questions.
drop index checkout_order_id;
drop index checkout_order_id_all;
drop index checkout_order_one_owner;
create unique index checkout_order_one_owner on checkout_order (order_id, store);

-- One statement writes a checkout and whatever belongs to it, so nothing here can be without its checkout, and no checkout is
-- ever deleted. A foreign key would look the checkout up again, and lock it, for every row.
alter table attempt_log drop constraint attempt_log_checkout_id_fkey;
alter table checkout_order drop constraint checkout_order_checkout_id_fkey;
alter table checkout_token drop constraint checkout_token_checkout_id_fkey;
alter table idempotency_key drop constraint idempotency_key_checkout_id_fkey;

-- A version is written once, because it is the version of the row of its checkout, which the same statement moves.
alter table attempt_log drop constraint attempt_log_checkout_id_version_key;
