-- A webhook that comes while its checkout is being worked on cannot make it look now. It leaves a mark, so that the wait
-- that the work ends with is over at once: what the work had read may be older than what the webhook is about.
alter table checkout add column hinted boolean not null default false;
comment on column checkout.hinted is 'A webhook came since the work in progress began; its next wait is left out.';
