-- name: candidates
-- Both arms in one question: the best {limit} passages by words and by meaning, with their
-- documents. By words: BM25 over the union of the question's words, each language by its own stems.
-- By meaning: up to {exact} passages every vector is looked at, beyond it the HNSW index of these
-- dimensions ({d}) answers; the branch that is not wanted costs nothing. Vectors have length 1, so
-- the inner product is the cosine and a third cheaper. What is still being read is left out by a
-- list that is short or empty, since a join per vector costs more than its product.
with word as materialized (
    select distinct c.language, c.chunks, w.lexeme
    from corpus c
    cross join lateral unnest(to_tsvector(
        (case c.language when 'de' then 'german' when 'en' then 'english' else 'simple' end)
            ::regconfig,
        %(question)s)) w
), wanted as materialized (
    -- Once per word and in floating point: as numeric, and per posting, this was most of the time.
    select t.id, ln(1 + (w.chunks - t.df + 0.5::float8) / (t.df + 0.5::float8)) as idf
    from word w join term t on t.language = w.language and t.lexeme = w.lexeme
    where t.df > 0
), lexical as materialized (
    select p.chunk_id, sum(wanted.idf * p.weight) as score
    from wanted join posting p on p.term_id = wanted.id
    group by p.chunk_id order by score desc, p.chunk_id limit {limit}
), size as materialized (
    select coalesce(sum(chunks), 0) <= {exact} as is_small from corpus
), unread as materialized (
    select c.id from chunk c join document d on d.id = c.document_id where d.state <> 'ready'
), dense as materialized (
    (
        select v.chunk_id, -(v.embedding <#> %(vector)s::halfvec) as score
        from chunk_vector v
        where (select is_small from size) and %(vector)s::halfvec is not null
            and v.model = %(model)s and v.dimensions = {d}
            and v.chunk_id not in (select id from unread)
        order by v.embedding <#> %(vector)s::halfvec, v.chunk_id limit {limit}
    ) union all (
        select v.chunk_id, 1 - (v.embedding::halfvec({d}) <=> %(vector)s::halfvec({d})) as score
        from chunk_vector v
        where not (select is_small from size) and %(vector)s::halfvec is not null
            and v.model = %(model)s and v.dimensions = {d}
            and v.chunk_id not in (select id from unread)
        order by v.embedding::halfvec({d}) <=> %(vector)s::halfvec({d}) limit {limit}
    )
)
select c.id, c.document_id, lexical.score, dense.score
from lexical full join dense using (chunk_id) join chunk c on c.id = chunk_id

-- name: passages
-- The passages of a result.
select c.id, c.document_id, d.name as document_name, d.paged, c.ordinal, c.page, c.heading, c.text, c.language
from chunk c join document d on d.id = c.document_id
where c.id = any(%(ids)s)
