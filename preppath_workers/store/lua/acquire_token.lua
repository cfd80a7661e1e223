-- needs: ownership, tokens, jobs, limits, holding
--
-- Spends a further token on a running job that makes more than one paid request, if the job is still the
-- caller's.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing number
-- ARGV[5]  the rate limit's maximum; 0 for no limit
-- ARGV[6]  the rate limit's duration (ms)
--
-- Returns {"ok"}; {"wait", ms} when the call is to be repeated after so long; {"lost"} when the job is
-- another's now. Calling again after a lost answer may spend a token too many, never one too few.

local id, worker_id, fencing_token, limit, duration = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

if state_if_owned(id, worker_id, fencing_token) ~= 'active' then return {'lost'} end
redis.call('LTRIM', active_key(worker_id), '0', '-1') -- as in claiming.lua
local gate = redis.call('HMGET', GATE, 'heldUntil', 'outOfService', 'limit', 'heldSetAt')
local held = gate[1] and hold_left(gate[1], gate[4]) or 0
-- A vendor that is out of service tells this job so itself, and the job ends; one that limits the rate is heeded.
if held > 0 and not gate[2] then return {'wait', held} end
local request = add(id, 'requests', 1)
limit, duration = limit_in_force(gate[3], limit, duration)
local delay = acquire_token(worker_id, string.format('%s#%s#%.0f', id, fencing_token, request), limit, duration)
if delay > 0 then return {'wait', delay} end
return {'ok'}
