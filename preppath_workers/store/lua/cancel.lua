-- needs: places, tokens, removing, slots, ended
--
-- Cancels a job that has not started: one in `wait` or `delayed`, or reserved by a slot that waits for a token.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  how long the job stays readable (ms)
--
-- Returns {"cancelled"}; {state} if the job is in a state that cannot be cancelled; {"unknown"} if there is no such job.

local id, keep = ARGV[2], ARGV[3]

local function remove_reserved()
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
  if not remove_waiting(id) then remove_reserved() end
else
  return {state}
end
redis.call('HSET', key, 'state', 'cancelled', 'finishedAt', now)
redis.call('PEXPIRE', key, keep)
count('cancelled')
announce_end(id, 'cancelled')
return {'cancelled'}
