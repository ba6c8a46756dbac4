-- name: insert
-- Opens a conversation.
insert into conversation (account_id, title) values (%(account_id)s, %(title)s)
returning id, title, created_at, updated_at

-- name: by_id
-- One conversation of its owner.
select id, title, created_at, updated_at from conversation
where id = %(id)s and account_id = %(account_id)s

-- name: list
-- The owner's conversations, last used first, after a cursor. One without a title has no question
-- yet, or had only one that was refused: nothing to go back to.
select id, title, created_at, updated_at from conversation
where account_id = %(account_id)s and title <> ''
    and (%(before)s::timestamptz is null or (updated_at, id) < (%(before)s, %(before_id)s))
order by updated_at desc, id desc limit %(limit)s

-- name: rename
-- Another title.
update conversation set title = %(title)s where id = %(id)s and account_id = %(account_id)s
returning id, title, created_at, updated_at

-- name: delete
-- The conversation with its messages.
delete from conversation where id = %(id)s and account_id = %(account_id)s returning id

-- name: touch
-- Moves the conversation to the top; the first question becomes the title of an untitled one.
update conversation
set updated_at = now(), title = case when title = '' then %(title)s else title end
where id = %(id)s

-- name: messages
-- All messages in order.
select id, conversation_id, question_id, role, content, language, state, outcome, citations,
    removed_sentences, failure_code, failure_values, created_at
from message where conversation_id = %(conversation_id)s order by position

-- name: message
-- One message of a conversation.
select id, conversation_id, question_id, role, content, language, state, outcome, citations,
    removed_sentences, failure_code, failure_values, created_at
from message where id = %(id)s

-- name: insert_question
-- A question.
insert into message (conversation_id, role, content, language, state)
values (%(conversation_id)s, 'user', %(content)s, %(language)s, 'complete')
returning id

-- name: insert_answer
-- The place of an answer being written; a second one at a time is refused by an index.
insert into message (conversation_id, question_id, role, language, state, heartbeat_at)
values (%(conversation_id)s, %(question_id)s, 'assistant', %(language)s, 'streaming', now())
on conflict (conversation_id) where state = 'streaming' do nothing
returning id

-- name: begin_again
-- Makes a failed or stopped answer a running one.
update message
set state = 'streaming', content = '', outcome = null, citations = '[]', removed_sentences = 0,
    failure_code = null, failure_values = '{}', stop_asked = false, heartbeat_at = now()
where id = %(id)s and state in ('failed', 'stopped')
    and not exists (
        select from message other
        where other.conversation_id = message.conversation_id and other.state = 'streaming')
returning id

-- name: heartbeat
-- Says the answer is still being written, and hears whether it is still wanted.
update message set heartbeat_at = now() where id = %(id)s and state = 'streaming'
returning not stop_asked

-- name: ask_to_stop
-- The reader wants no more of it; whichever process writes it hears so with its next heartbeat.
update message set stop_asked = true where id = %(id)s and state = 'streaming'

-- name: complete
-- Stores a whole answer; only a running one can become complete.
update message
set state = 'complete', content = %(content)s, outcome = %(outcome)s, citations = %(citations)s,
    removed_sentences = %(removed)s, usage = %(usage)s, language = %(language)s
where id = %(id)s and state = 'streaming'
returning id

-- name: fail
-- Stores why there is no answer, and nothing of what had come.
update message
set state = 'failed', content = '', outcome = null, citations = '[]', removed_sentences = 0,
    failure_code = %(code)s, failure_values = %(values)s, usage = %(usage)s
where id = %(id)s and state = 'streaming'
returning id

-- name: stop
-- Stores what was proven until the answer was stopped or cut off; no outcome, so it is no answer.
update message
set state = 'stopped', content = %(content)s, outcome = null, citations = %(citations)s,
    removed_sentences = %(removed)s, usage = %(usage)s, language = %(language)s
where id = %(id)s and state = 'streaming'
returning id

-- name: interrupt_silent
-- Answers whose process has gone.
update message
set state = 'failed', content = '', failure_code = 'interrupted'
where state = 'streaming' and heartbeat_at < now() - make_interval(secs => %(silence)s)
returning id
