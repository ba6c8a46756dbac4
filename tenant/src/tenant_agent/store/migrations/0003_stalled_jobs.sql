-- Since when a job has stood still because the model provider fails it; null while it goes on.

alter table job add column stalled_at timestamptz;
