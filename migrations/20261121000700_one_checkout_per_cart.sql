-- A cart that was made elsewhere can be taken over by its id. Two checkouts of one cart would order it twice, so that
-- only one of them may be alive.
create unique index checkout_cart_one_alive on checkout (store, cart_id)
    where cart_id is not null and status not in ('cancelled', 'expired');
