-- needs: ownership, requeueing, outage, holding, ending_cancelled, capped
--
-- Requeues a started job that did not finish, if the caller still owns it: in front of the jobs of the same priority, or
-- delayed. The attempt is not counted. Can also hold the queue: the vendor asked to wait, or the budget has no room.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing token
-- ARGV[5]  how long no job of this queue may start (ms); 0 for no hold
-- ARGV[6]  the reason for the hold
-- ARGV[7]  how long the job is delayed (ms); 0 or missing for no delay
-- ARGV[8]  the amount (nano-dollars) that the budget has no room for, if that is the reason; "" or missing otherwise
-- ARGV[9]  the user's scope that has no room, if only the job is delayed; "" or missing otherwise
--
-- Returns {"released"}, also if the call is repeated; {"cancelled"} if the job was cancelled meanwhile;
-- {"lost"} if another worker owns it; {"gone"} if there is no such job; {"released", "held"} if the budget holds the
-- queue from now on.

local id, worker_id, fencing_token, hold, reason = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local delay, lacking, scope = tonumber(ARGV[7] or '0'), ARGV[8] or '', ARGV[9] or ''

local state = state_if_owned(id, worker_id, fencing_token)
if state == 'waiting' or state == 'delayed' and delay > 0 then return {'released'} end
if state == 'cancelled' then return {'cancelled'} end
if state ~= 'active' then return {disowned(id)} end
check_places()
if end_if_cancelled(id, worker_id) then return {'cancelled'} end

redis.call('LREM', active_key(worker_id), '1', id)
redis.call('ZREM', RESERVATIONS, worker_id) -- it may have waited for a further token
close_open_calls(id) -- an interrupt may have left some
end_inconclusive_probe(id)
requeue_uncounted(id, delay)
-- A stage that the handler has stored says more than the reason.
if delay > 0 and reason ~= '' and (redis.call('HGET', job_key(id), 'stage') or '') == '' then
  redis.call('HSET', job_key(id), 'stage', string.sub(reason, 1, 200))
end
if delay > 0 and scope ~= '' then
  redis.call('HSET', CAPPED, id, lacking .. ' ' .. scope)
  redis.call('EXPIRE', CAPPED, KEEP_CAPPED)
else
  redis.pcall('HDEL', CAPPED, id)
end
if hold == 0 then return {'released'} end

if hold > hold_left(unpack(redis.call('HMGET', GATE, 'heldUntil', 'heldSetAt'))) then
  local was_for = redis.call('HGET', GATE, 'heldFor') or ''
  redis.call('HSET', GATE, 'heldUntil', now + hold, 'heldSetAt', now, 'heldReason', reason)
  if lacking ~= '' then
    redis.call('HSET', GATE, 'heldFor', lacking)
    emit_queue_event(redis.call('HGET', GATE, 'eventsUntil'), 'budget-spent', 'budget', reason)
    if was_for == '' then return {'released', 'held'} end
    return {'released'}
  end
  redis.call('HDEL', GATE, 'heldFor')
end
if lacking == '' then add(id, 'rateLimits', 1) end
return {'released'}
