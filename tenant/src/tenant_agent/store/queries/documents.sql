-- name: insert
-- A new document; a ready or running one with the same content makes this insert nothing.
insert into document (id, name, kind, media_type, size, sha256, uploaded_by)
values (%(id)s, %(name)s, %(kind)s, %(media_type)s, %(size)s, %(sha256)s, %(uploaded_by)s)
on conflict (sha256) where state <> 'failed' do nothing
returning id

-- name: by_content
-- The document that already holds this content.
select id, name from document where sha256 = %(sha256)s and state <> 'failed'

-- name: select
-- Documents with their jobs.
select d.id, d.name, d.kind, d.media_type, d.size, d.sha256, d.language, d.page_count, d.paged,
    d.state, d.created_at,
    j.id, j.document_id, j.state, j.stage, j.progress, j.attempt, j.failure_code,
    j.failure_values, j.next_attempt_at, j.created_at, j.updated_at, j.sequence
from document d join job j on j.document_id = d.id

-- name: ready_names
-- The newest documents that can be searched, each with the number of all of them.
select name, count(*) over () from document where state = 'ready'
order by created_at desc, id desc limit %(limit)s

-- name: set_state
-- The document's own state.
update document set state = %(state)s where id = %(id)s

-- name: describe
-- What reading the document has shown.
update document
set language = %(language)s, page_count = %(page_count)s, paged = %(paged)s
where id = %(id)s

-- name: lock
-- Holds the row against a second deletion.
select state from document where id = %(id)s for update

-- name: hold
-- Those of some documents that exist; none of them can be deleted before the transaction ends.
select id::text from document where id = any(%(ids)s::uuid[]) order by id for share

-- name: existing
-- Those of some documents that exist.
select id::text from document where id = any(%(ids)s::uuid[])

-- name: delete
-- The row; pages, chunks, vectors, job and outbox go with it.
delete from document where id = %(id)s

-- name: page
-- The text of a page, with the place of a passage when it lies there.
select d.id as document_id, d.name as document_name, p.number, d.page_count, d.paged, p.text,
    c.start_at as start, c.end_at as "end"
from document d
join page p on p.document_id = d.id and p.number = %(number)s
left join chunk c on c.document_id = d.id and c.id = %(passage)s and c.page = p.number
where d.id = %(id)s

-- name: forget_in_citations
-- Takes the words of a deleted document out of answers; the number stays, marked unavailable.
update message
set citations = (
    select jsonb_agg(
        case when item ->> 'document_id' = %(id)s
            then item || '{"available": false, "quote": "", "quotes": [], "heading": "",
                "document_name": ""}'
            else item end
        order by place)
    from jsonb_array_elements(citations) with ordinality as cited (item, place))
where citations @> jsonb_build_array(jsonb_build_object('document_id', %(id)s::text))
