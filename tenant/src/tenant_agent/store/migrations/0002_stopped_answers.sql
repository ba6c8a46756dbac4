-- An answer can be stopped by its reader: what was proven by then stays, marked as stopped.

alter table message drop constraint message_state_check;
alter table message add constraint message_state_check
    check (state in ('complete', 'streaming', 'failed', 'stopped'));
alter table message add column stop_asked boolean not null default false;
