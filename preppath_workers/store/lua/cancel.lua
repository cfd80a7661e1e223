-- needs: places, tokens, removing, slots
--
-- Takes a job that has not started out of the queue, wherever it waits: in `wait`, in `delayed`, or in the
-- hand of a slot that waits for a token.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  how long the job can be looked up (ms)
--
-- Returns {"cancelled"}; else {state} of a job that can not be cancelled (any more), or {"unknown"}.

local id, keep = ARGV[2], ARGV[3]

local function drop_in_flight()
  local holder = holder_of(id)
  if not holder then return end
  redis.call('LREM', active_key(holder.worker_id), 1, id)
  redis.call('ZREM', RESERVATIONS, holder.worker_id)
end

local key = job_key(id)
local state = redis.call('HGET', key, 'state')
if not state then return {'unknown'} end
if state == 'delayed' then
  redis.call('ZREM', DELAYED, id)
elseif state == 'waiting' then
  if not remove_waiting(id) then drop_in_flight() end
else
  return {state}
end
redis.call('HSET', key, 'state', 'cancelled', 'finishedAt', now)
redis.call('PEXPIRE', key, keep)
count('cancelled')
return {'cancelled'}
