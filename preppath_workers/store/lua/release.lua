-- needs: ownership, requeueing, outage, holding
--
-- Gives a started job back unfinished, if it is still the caller's: to the front of its lane, the attempt not
-- counted. May hold the queue at the same time, when the vendor asked everybody to wait.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing number
-- ARGV[5]  how long nobody may start a job of this queue (ms); 0 for not at all
-- ARGV[6]  why
--
-- Returns {"released"}, also when called again; {"lost"} when the job is another's now.

local id, worker_id, fencing_token, hold, reason = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]

local state = state_if_owned(id, worker_id, fencing_token)
if state == 'waiting' then return {'released'} end
if state ~= 'active' then return {'lost'} end

redis.call('LREM', active_key(worker_id), '1', id)
redis.call('ZREM', RESERVATIONS, worker_id) -- it may have ended while it waited for a further token
probe_said_nothing(id)
requeue_uncounted(id)
if hold == 0 then return {'released'} end

if hold > hold_left(unpack(redis.call('HMGET', GATE, 'heldUntil', 'heldSetAt'))) then
  redis.call('HSET', GATE, 'heldUntil', now + hold, 'heldSetAt', now, 'heldReason', reason)
end
add(id, 'rateLimits', 1)
return {'released'}
