-- A key is answered beside where it was bound: its two indexes need not know.
alter table idempotency_key set (fillfactor = 70);

-- Large objects are compressed. lz4 takes a fraction of the time of PostgreSQL's own method, where it is built in.
do $$
begin
    alter table checkout_content alter column input set compression lz4, alter column document set compression lz4;
exception when feature_not_supported then
    null;
end
$$;
