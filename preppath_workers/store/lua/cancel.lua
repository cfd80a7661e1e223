-- Cancels a job. One in `wait` or `delayed`, or reserved by a slot that waits for a token, ends at once. An active one is
-- cancelled only if asked for: its worker interrupts it, and it ends as cancelled unless it completes first.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  how long the job stays readable (ms); "" or missing: a day
-- ARGV[4]  "1": cancel an active job too; "0" or missing: don't
-- ARGV[5]  the slot that has reserved the job, if the caller knows it; "": the caller will look for it; "none": it has found
--          none; missing: look for it here
--
-- Returns {"cancelled"}; {"cancelling"} if the job is active and its worker will end it; {state} if the job is in a state
-- that cannot be cancelled; {"unknown"} if there is no such job; {"reserved"} if the last argument is empty and a slot may
-- have reserved the job: nothing was changed.

-- needs: places, reservations, removing, slots, cancelling

local id, with_active, reserved_by = ARGV[2], ARGV[4] == '1', ARGV[5]
local keep = (ARGV[3] or '') ~= '' and ARGV[3] or KEEP_CANCELLED
if not string.find(keep, '^%d+$') or #keep > 14 then return redis.error_reply('INVALIDCALL keep must be ms, not ' .. keep) end

local key = job_key(id)
local state = field_of(id, 'state')
if not state then return {'unknown'} end
if state == 'delayed' then
  redis.call('ZREM', DELAYED, id)
elseif state == 'waiting' then
  if not remove_waiting(id, likely_position) then
    local holder, has_to_look = holder_of(id, reserved_by)
    if has_to_look then return {'reserved'} end
    if holder then
      redis.call('LREM', active_key(holder.worker_id), 1, id)
      redis.call('ZREM', RESERVATIONS, holder.worker_id)
    else
      remove_waiting(id)
    end
  end
elseif state == 'active' and with_active then
  redis.call('HSETNX', key, 'cancelRequestedAt', now)
  -- The janitor of the worker's instance reads this, see find_cancelled.lua.
  local instance, slot = string.match(redis.call('HGET', key, 'workerId') or '', '^(.*):(%d+)$')
  if instance and redis.call('EXISTS', instance_key(instance)) == 1 then
    redis.call('HSET', cancels_key(instance), slot, id)
  end
  return {'cancelling'}
else
  return {state}
end
end_cancelled(id, keep)
return {'cancelled'}
