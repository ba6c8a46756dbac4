-- The first schema: accounts, documents with their jobs, the two indexes, conversations.

create extension if not exists vector;

create table account (
    id uuid primary key default gen_random_uuid(),
    email text not null,
    role text not null check (role in ('administrator', 'member')),
    password_hash text not null,
    must_change_password boolean not null default false,
    created_at timestamptz not null default now()
);
create unique index account_email on account (lower(email));

-- The cookie's token is never stored: only its keyed hash.
create table session (
    token_hash bytea primary key,
    account_id uuid not null references account on delete cascade,
    expires_at timestamptz not null,
    created_at timestamptz not null default now()
);
create index session_account on session (account_id);

create table document (
    id uuid primary key,
    name text not null,
    kind text,
    media_type text not null,
    size bigint not null,
    sha256 text not null,
    language text,
    page_count integer,
    paged boolean not null default false,
    state text not null default 'queued'
        check (state in ('queued', 'processing', 'ready', 'failed')),
    uploaded_by uuid references account on delete set null,
    created_at timestamptz not null default now()
);
-- A failed document does not stand in the way of the same file coming again.
create unique index document_content on document (sha256) where state <> 'failed';
create index document_newest on document (created_at desc, id desc);

-- Every change of a job takes a new number: what live progress reads after.
create sequence job_sequence;

create table job (
    id uuid primary key default gen_random_uuid(),
    document_id uuid not null unique references document on delete cascade,
    state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed')),
    stage text not null default 'waiting',
    progress real not null default 0,
    attempt integer not null default 0,
    worker text,
    heartbeat_at timestamptz,
    next_attempt_at timestamptz,
    failure_code text,
    failure_values jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    sequence bigint not null default nextval('job_sequence')
);
create index job_changed on job (sequence);
create index job_open on job (state, heartbeat_at) where state in ('queued', 'running');

-- What still has to be handed to the queue; written in the transaction that makes the job due.
create table outbox (
    id bigint generated always as identity primary key,
    job_id uuid not null references job on delete cascade,
    due_at timestamptz not null default now()
);
create index outbox_due on outbox (due_at);
create index outbox_job on outbox (job_id);

create table page (
    document_id uuid not null references document on delete cascade,
    number integer not null,
    text text not null,
    primary key (document_id, number)
);

create table chunk (
    id integer generated always as identity primary key,
    document_id uuid not null references document on delete cascade,
    ordinal integer not null,
    page integer not null,
    start_at integer not null,
    end_at integer not null,
    heading text not null,
    text text not null,
    language text not null,
    lexemes tsvector not null,
    terms integer not null,
    unique (document_id, ordinal)
);

-- One vector per chunk and embedding space; spaces are never mixed in a search.
create table chunk_vector (
    chunk_id integer not null references chunk on delete cascade,
    model text not null,
    dimensions smallint not null,
    embedding halfvec not null,
    primary key (chunk_id, model, dimensions)
);
-- Kept in the row: a scan that fetches each vector from the side table is several times slower.
alter table chunk_vector alter column embedding set storage plain;

create table term (
    id integer generated always as identity primary key,
    language text not null,
    lexeme text not null,
    df integer not null,
    unique (language, lexeme)
);

-- `weight` is BM25's term-frequency part, ready to be multiplied by the live idf.
create table posting (
    term_id integer not null,
    chunk_id integer not null,
    tf smallint not null,
    weight real not null,
    primary key (term_id, chunk_id) include (weight)
);
create index posting_chunk on posting (chunk_id);

-- Collection figures per language; `average` is the chunk length that `posting.weight` was made for.
create table corpus (
    language text primary key,
    chunks integer not null,
    terms bigint not null,
    average real not null
);

create table conversation (
    id uuid primary key default gen_random_uuid(),
    account_id uuid not null references account on delete cascade,
    title text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index conversation_newest on conversation (account_id, updated_at desc, id desc);

create table message (
    id uuid primary key default gen_random_uuid(),
    position bigint generated always as identity,
    conversation_id uuid not null references conversation on delete cascade,
    question_id uuid references message on delete cascade,
    role text not null check (role in ('user', 'assistant')),
    content text not null default '',
    language text,
    state text not null check (state in ('complete', 'streaming', 'failed')),
    outcome text check (outcome in ('answered', 'not_found')),
    citations jsonb not null default '[]',
    removed_sentences integer not null default 0,
    failure_code text,
    failure_values jsonb not null default '{}',
    usage jsonb not null default '{}',
    heartbeat_at timestamptz,
    created_at timestamptz not null default now()
);
create index message_thread on message (conversation_id, position);
-- One answer at a time per conversation, also across processes.
create unique index message_streaming on message (conversation_id) where state = 'streaming';
