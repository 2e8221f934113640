-- What is forgotten is found by its age, in batches (src/store/forget.rs).
--
-- The key of a creation is not in here: it is kept as long as its checkout, because repeating a creation makes another
-- checkout. Neither column changes when a key is answered, so that an answer does not touch this index.
create index idempotency_key_age on idempotency_key (created_at) where operation <> 'create';
create index checkout_token_age on checkout_token (created_at);
