-- needs: ownership
--
-- Keeps what one step of a running job brought, so that a later attempt need not do (and pay for) it again,
-- if the job is still the caller's. The claim returns it with the rest of the hash.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing number
-- ARGV[5]  the step's name
-- ARGV[6]  what it brought (JSON)
--
-- Returns {"ok"}, or {"lost"} when the job is another's now.

local id, worker_id, fencing_token, name, value = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

if state_if_owned(id, worker_id, fencing_token) ~= 'active' then return {'lost'} end
redis.call('LTRIM', active_key(worker_id), '0', '-1') -- as in claiming.lua: what was paid for is kept
redis.call('HSET', job_key(id), 'checkpoint:' .. name, value)
return {'ok'}
