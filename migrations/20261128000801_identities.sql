-- A store is who its hash says it is, whatever an installation calls it. `store` everywhere is the name under which a hash was
-- first seen; whoever renames a store in the configuration keeps its carts, its orders and its idempotency keys.
create table store_identity (
    -- In lower case.
    store_hash text primary key check (store_hash = lower(store_hash)),
    store text not null unique
);

-- The number of a cart is the same in capitals.
drop index checkout_cart_one_alive;
create unique index checkout_cart_one_alive on checkout_content (store, lower(cart_id))
    where cart_id is not null and not released;
