-- name: take_time
-- For this transaction no limit: the words of one very large document may take minutes.
set local statement_timeout = 0

-- name: wait_at_most
-- How long this transaction waits for any lock; the default is as long as it takes.
select set_config('lock_timeout', %(milliseconds)s::text, true)

-- name: lock
-- One writer of the index at a time: document frequencies stay exact, and no deadlock.
select pg_advisory_xact_lock(2118808321)

-- name: clear_chunks
-- Forgets a document's chunks (their vectors go with them).
delete from chunk where document_id = %(document_id)s

-- name: clear_pages
-- Forgets an earlier try's pages.
delete from page where document_id = %(document_id)s

-- name: insert_page
-- The text of one page.
insert into page (document_id, number, text) values (%(document_id)s, %(number)s, %(text)s)

-- name: insert_chunk
-- A passage with its lexemes; title and heading count as its words.
insert into chunk (document_id, ordinal, page, start_at, end_at, heading, text, language,
    lexemes, terms)
select %(document_id)s, %(ordinal)s, %(page)s, %(start_at)s, %(end_at)s, %(heading)s, %(text)s,
    %(language)s, made.lexemes,
    (select coalesce(sum(cardinality(positions)), 0) from unnest(made.lexemes))
from (select to_tsvector(%(configuration)s::regconfig, %(indexed)s) as lexemes) made

-- name: chunks_without_vector
-- Those of some consecutive passages that are still to be embedded.
select c.id, d.name, c.heading, c.text
from chunk c join document d on d.id = c.document_id
where c.document_id = %(document_id)s
    and c.ordinal >= %(first)s and c.ordinal < %(first)s + %(count)s
    and not exists (
        select from chunk_vector v
        where v.chunk_id = c.id and v.model = %(model)s and v.dimensions = %(dimensions)s)
order by c.ordinal

-- name: count_chunks
-- How many passages a document has.
select count(*) from chunk where document_id = %(document_id)s

-- name: insert_vector
-- The vector of a passage.
insert into chunk_vector (chunk_id, model, dimensions, embedding)
values (%(chunk_id)s, %(model)s, %(dimensions)s, %(embedding)s::halfvec)
on conflict do nothing

-- name: grow_corpus
-- Adds a document's passages to the collection figures.
insert into corpus (language, chunks, terms, average)
select language, count(*), sum(terms), greatest(avg(terms), 1)
from chunk where document_id = %(document_id)s group by language
on conflict (language) do update
set chunks = corpus.chunks + excluded.chunks, terms = corpus.terms + excluded.terms

-- name: shrink_corpus
-- Takes a document's passages out of the collection figures.
update corpus set chunks = corpus.chunks - gone.chunks, terms = corpus.terms - gone.terms
from (select language, count(*) as chunks, sum(terms) as terms
      from chunk where document_id = %(document_id)s group by language) gone
where corpus.language = gone.language

-- name: drifted
-- Languages whose mean length has moved over a tenth from the one the weights were made for.
update corpus set average = terms::real / chunks
where chunks > 0 and abs(terms::real / chunks - average) > 0.1 * average
returning language

-- name: reweigh
-- Makes the weights of a language anew.
update posting p
set weight = p.tf * (%(k1)s + 1)
    / (p.tf + %(k1)s * (1 - %(b)s + %(b)s * c.terms / corpus.average))
from chunk c join corpus on corpus.language = c.language
where p.chunk_id = c.id and c.language = %(language)s

-- name: grow_terms
-- Counts in how many passages each word occurs.
insert into term (language, lexeme, df)
select c.language, word.lexeme, count(*)
from chunk c, unnest(c.lexemes) word
where c.document_id = %(document_id)s
group by c.language, word.lexeme
order by c.language, word.lexeme
on conflict (language, lexeme) do update set df = term.df + excluded.df

-- name: insert_postings
-- Where each word occurs, with its weight.
insert into posting (term_id, chunk_id, tf, weight)
select t.id, c.id, least(cardinality(word.positions), 255),
    cardinality(word.positions) * (%(k1)s + 1)
    / (cardinality(word.positions) + %(k1)s * (1 - %(b)s + %(b)s * c.terms / corpus.average))
from chunk c
join corpus on corpus.language = c.language
cross join lateral unnest(c.lexemes) word
join term t on t.language = c.language and t.lexeme = word.lexeme
where c.document_id = %(document_id)s
on conflict do nothing

-- name: is_indexed
-- Whether the document's words are already counted; no row when it is gone.
select state = 'ready' from document where id = %(document_id)s

-- name: mark_ready
-- From now on the document's passages are found.
update document set state = 'ready' where id = %(document_id)s

-- name: shrink_terms
-- Takes a document's passages out of the word counts.
update term set df = df - gone.passages
from (select p.term_id, count(*) as passages
      from posting p join chunk c on c.id = p.chunk_id
      where c.document_id = %(document_id)s group by p.term_id) gone
where term.id = gone.term_id

-- name: delete_postings
-- Removes where a document's words occur.
delete from posting using chunk
where posting.chunk_id = chunk.id and chunk.document_id = %(document_id)s

-- name: delete_unused_terms
-- Forgets words no passage has: they may be personal data.
delete from term where df <= 0
