-- name: lexical
-- BM25 over the union of the question's words, each language by its own stems.
with word as (
    select distinct c.language, c.chunks, w.lexeme
    from corpus c
    cross join lateral unnest(to_tsvector(
        (case c.language when 'de' then 'german' when 'en' then 'english' else 'simple' end)
            ::regconfig,
        %(question)s)) w
), wanted as (
    select t.id, ln(1 + (w.chunks - t.df + 0.5) / (t.df + 0.5)) as idf
    from word w join term t on t.language = w.language and t.lexeme = w.lexeme
    where t.df > 0
)
select p.chunk_id, sum(wanted.idf * p.weight)::float8 as score
from wanted join posting p on p.term_id = wanted.id
group by p.chunk_id order by score desc, p.chunk_id limit %(limit)s

-- name: dense_exact
-- Nearest passages by cosine, looking at every vector of the space. What is still being read is
-- left out by a list that is short or empty, since a join per vector costs more than its cosine.
select v.chunk_id, 1 - (v.embedding <=> %(vector)s::halfvec) as score
from chunk_vector v
where v.model = %(model)s and v.dimensions = %(dimensions)s
    and v.chunk_id not in (
        select c.id from chunk c join document d on d.id = c.document_id where d.state <> 'ready')
order by v.embedding <=> %(vector)s::halfvec, v.chunk_id limit %(limit)s

-- name: dense_indexed
-- Nearest passages by the HNSW index of these dimensions ({d}).
select v.chunk_id, 1 - (v.embedding::halfvec({d}) <=> %(vector)s::halfvec({d})) as score
from chunk_vector v
where v.dimensions = {d} and v.model = %(model)s
    and v.chunk_id not in (
        select c.id from chunk c join document d on d.id = c.document_id where d.state <> 'ready')
order by v.embedding::halfvec({d}) <=> %(vector)s::halfvec({d}) limit %(limit)s

-- name: passages
-- The passages of a result.
select c.id, c.document_id, d.name as document_name, d.paged, c.ordinal, c.page, c.heading, c.text, c.language
from chunk c join document d on d.id = c.document_id
where c.id = any(%(ids)s)

-- name: owners
-- To which document each passage belongs.
select id, document_id from chunk where id = any(%(ids)s)
