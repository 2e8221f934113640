-- Who does not get on, and what a checkout costs, so that operators' lists find both from an index.

-- Written with each transition; null for nearly every row, so that the index holds what needs a look and nothing else.
alter table checkout
    add column attention text check (attention in ('blocked', 'retrying')),
    -- The problem that a blocked shopper met.
    add column obstacle text;
create index checkout_attention on checkout (attention, obstacle, checkout_id) where attention is not null;

-- In the currency of the checkout. Null: nothing was priced yet, or an older version wrote the row.
alter table checkout_content add column total numeric;
create index checkout_total on checkout_content (total, checkout_id) where total is not null;
