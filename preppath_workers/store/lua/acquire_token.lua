-- needs: running, tokens, jobs, limits, vendor_limit, holding
--
-- Acquires a further token for a running job that makes more than one paid request, if the caller still owns the job.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing token
-- ARGV[5]  the rate limit's maximum; 0 for no limit
-- ARGV[6]  the rate limit's duration (ms)
--
-- Returns {"ok"}; {"wait", ms} if the caller has to call again after that time; {"cancelled"} if the job is cancelled;
-- {"lost"} if another worker owns it; {"gone"} if there is no such job. A call that is repeated after a lost answer may
-- acquire one token too many, never one too few.

local id, worker_id, fencing_token, limit, duration = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

local refused = refusal_of(id, worker_id, fencing_token)
if refused then return refused end
redis.call('LTRIM', active_key(worker_id), '0', '-1') -- out of memory: as in claiming.lua
local gate = redis.call('HMGET', GATE, 'heldUntil', 'outOfService', 'limit', 'heldSetAt', 'vendorLimit')
local held = gate[1] and hold_left(gate[1], gate[4]) or 0
-- In an outage the request fails at once, so waiting for the end of a hold would not help.
if held > 0 and not gate[2] then return {'wait', held} end
local request = add(id, 'requests', 1)
limit, duration = limit_in_force(gate[3], limit, duration)
local purpose = string.format('%s#%s#%.0f', id, fencing_token, request)
local delay = acquire_token(worker_id, purpose, limit, duration, vendor_window(gate[5]))
if delay > 0 then return {'wait', delay} end
return {'ok'}
