-- The processes of the service that are alive: they share the request quota that BigCommerce grants to a store.
--
-- A row is written when a process starts and every few seconds while it lives, and removed when it ends. What a killed
-- process leaves is removed by the others once it was not seen for a while (src/store/processes.rs).

create table process (
    process_id uuid primary key,
    -- What it does: `serve` or `worker`. For operators; nothing depends on it.
    kind text not null,
    started_at timestamptz not null default now(),
    seen_at timestamptz not null default now()
);
