-- needs: ownership, requeueing, outage, holding, ending_cancelled
--
-- Requeues a started job that did not finish, if the caller still owns it: in front of the jobs of the same priority, or
-- delayed; and the attempt is not counted. Can also hold the queue, if the vendor asked to wait.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing token
-- ARGV[5]  how long no job of this queue may start (ms); 0 for no hold
-- ARGV[6]  the reason for the hold
-- ARGV[7]  how long the job is delayed (ms); 0 or missing for not at all
--
-- Returns {"released"}, also if the call is repeated; {"cancelled"} if the job was cancelled meanwhile;
-- {"lost"} if another worker owns it.

local id, worker_id, fencing_token, hold, reason = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local delay = tonumber(ARGV[7] or '0')

local state = state_if_owned(id, worker_id, fencing_token)
if state == 'waiting' or state == 'delayed' and delay > 0 then return {'released'} end
if state == 'cancelled' then return {'cancelled'} end
if state ~= 'active' then return {'lost'} end
if end_if_cancelled(id, worker_id) then return {'cancelled'} end

redis.call('LREM', active_key(worker_id), '1', id)
redis.call('ZREM', RESERVATIONS, worker_id) -- it may have waited for a further token
end_inconclusive_probe(id)
requeue_uncounted(id, delay)
if hold == 0 then return {'released'} end

if hold > hold_left(unpack(redis.call('HMGET', GATE, 'heldUntil', 'heldSetAt'))) then
  redis.call('HSET', GATE, 'heldUntil', now + hold, 'heldSetAt', now, 'heldReason', reason)
end
add(id, 'rateLimits', 1)
return {'released'}
