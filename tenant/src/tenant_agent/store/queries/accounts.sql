-- name: first_administrator
-- Makes the first administrator; does nothing once any account exists.
insert into account (email, role, password_hash, must_change_password)
select %(email)s, 'administrator', %(password_hash)s, true
where not exists (select from account)
on conflict do nothing
returning id

-- name: correct_administrator
-- The only account gets another address as long as its one-time password has not been used.
update account set email = %(email)s
where must_change_password and email <> %(email)s and (select count(*) from account) = 1
returning id

-- name: count
-- How many accounts there are.
select count(*) from account

-- name: by_email
-- The account of an address, whatever its letter case.
select id, email, role, password_hash, must_change_password
from account where lower(email) = lower(%(email)s)

-- name: by_id
-- The account itself.
select id, email, role, password_hash, must_change_password from account where id = %(id)s

-- name: set_password
-- Replaces the hash; the one-time password is then used up.
update account set password_hash = %(password_hash)s, must_change_password = false
where id = %(id)s

-- name: rehash
-- Replaces the hash of the same password by one with today's cost.
update account set password_hash = %(password_hash)s where id = %(id)s

-- name: open_session
-- Stores a session under the keyed hash of its token.
insert into session (token_hash, account_id, expires_at)
values (%(token_hash)s, %(account_id)s, %(expires_at)s)

-- name: session
-- A live session with its account.
select a.id, a.email, a.role, a.must_change_password, s.expires_at
from session s join account a on a.id = s.account_id
where s.token_hash = %(token_hash)s and s.expires_at > %(now)s

-- name: close_session
-- Ends one session.
delete from session where token_hash = %(token_hash)s

-- name: close_sessions
-- Ends every session of an account.
delete from session where account_id = %(account_id)s

-- name: expire_sessions
-- Forgets sessions that are over.
delete from session where expires_at < %(now)s
