-- name: insert
-- The job of a new document.
insert into job (document_id) values (%(document_id)s) returning id

-- name: lock
-- Holds the job of a document, before the document: in the order in which a worker claims them.
select id from job where document_id = %(document_id)s for update

-- name: put_in_outbox
-- Makes a job due for the queue.
insert into outbox (job_id, due_at)
values (%(job_id)s, now() + make_interval(secs => %(delay)s))

-- name: take_due
-- Removes and returns what is due, as long as fewer than `room` are handed out and not begun; two
-- relays never get the same row.
delete from outbox where id in (
    select id from outbox where due_at <= now() order by id
    limit greatest(0, %(room)s - (
        select count(*) from job j where j.state = 'queued'
            and not exists (select from outbox o where o.job_id = j.id)))
    for update skip locked
) returning job_id

-- name: claim
-- One worker gets the job: when it waits, or when its worker has fallen silent.
update job
set state = 'running', worker = %(worker)s, attempt = attempt + 1, heartbeat_at = now(),
    failure_code = null, failure_values = '{}', next_attempt_at = null, updated_at = now(),
    sequence = nextval('job_sequence')
where id = %(id)s
    and (state = 'queued'
        or (state = 'running' and heartbeat_at < now() - make_interval(secs => %(silence)s)))
returning document_id, attempt

-- name: heartbeat
-- Says the worker lives; no row means the job was taken away from it.
update job set heartbeat_at = now()
where id = %(id)s and worker = %(worker)s and state = 'running' returning id

-- name: advance
-- Shows how far the job is, and whether that is new; no row means the job was taken away from this
-- worker.
update job
set stage = %(stage)s, progress = %(progress)s,
    stalled_at = case when %(moved)s then null else stalled_at end,
    heartbeat_at = now(), updated_at = now(),
    sequence = nextval('job_sequence')
where id = %(id)s and worker = %(worker)s and state = 'running'
returning id

-- name: finish
-- Ends the job well.
update job
set state = 'done', stage = 'finished', progress = 1, worker = null, updated_at = now(),
    sequence = nextval('job_sequence')
where id = %(id)s and worker = %(worker)s and state = 'running'
returning id

-- name: fail
-- Ends the job with its cause.
update job
set state = 'failed', stage = 'finished', worker = null, failure_code = %(code)s,
    failure_values = %(values)s, next_attempt_at = null, updated_at = now(),
    sequence = nextval('job_sequence')
where id = %(id)s and (worker = %(worker)s or %(worker)s is null) and state <> 'done'
returning id

-- name: stall
-- The provider keeps the job from going on: the seconds since it first did.
update job set stalled_at = coalesce(stalled_at, now())
where id = %(id)s and worker = %(worker)s and state = 'running'
returning extract(epoch from now() - stalled_at)::float8

-- name: put_back
-- Lets the job wait for another try, with the cause shown meanwhile; this one was no interruption.
update job
set state = 'queued', stage = 'waiting', worker = null, attempt = attempt - 1,
    failure_code = %(code)s,
    failure_values = %(values)s, next_attempt_at = now() + make_interval(secs => %(delay)s),
    updated_at = now(), sequence = nextval('job_sequence')
where id = %(id)s and worker = %(worker)s and state = 'running'
returning id

-- name: restart
-- A person's retry of a failed job.
update job
set state = 'queued', stage = 'waiting', progress = 0, attempt = 0, stalled_at = null,
    failure_code = null, failure_values = '{}', next_attempt_at = null, updated_at = now(),
    sequence = nextval('job_sequence')
where document_id = %(document_id)s and state = 'failed'
returning id

-- name: silent
-- Running jobs whose worker has fallen silent go back to waiting.
update job
set state = 'queued', stage = 'waiting', worker = null, updated_at = now(),
    sequence = nextval('job_sequence')
where state = 'running' and heartbeat_at < now() - make_interval(secs => %(silence)s)
returning id

-- name: forgotten
-- Waiting jobs that neither outbox nor, for a while, any worker has touched.
select j.id from job j
where j.state = 'queued'
    and j.updated_at < now() - make_interval(secs => %(age)s)
    and coalesce(j.next_attempt_at, j.updated_at) < now() - make_interval(secs => %(age)s)
    and not exists (select from outbox o where o.job_id = j.id)

-- name: touch
-- Marks a waiting job as handed on again.
update job set updated_at = now() where id = any(%(ids)s) and state = 'queued'

-- name: last_sequence
-- The newest change.
select coalesce(max(sequence), 0) from job

-- name: counts
-- How many jobs are in which state, for the metrics.
select state, count(*) from job group by state

-- name: forget_outbox
-- A job that will not run needs no hand-over.
delete from outbox where job_id = %(job_id)s
