-- needs: notices

-- Settles a job that succeeded, if it is still the caller's; see complete.lua.
local function complete(id, owner, fence, result, keep, listed)
  local key = job_key(id)
  local held = redis.call('HMGET', key, 'state', 'owner', 'fence', 'startedAt')
  if held[2] ~= owner or held[3] ~= fence then return {'lost'} end
  if held[1] == 'completed' then return {'completed'} end
  if held[1] ~= 'active' then return {'lost'} end

  redis.call('LREM', active_key(owner), 1, id)
  redis.call('HSET', key, 'state', 'completed', 'result', result, 'progress', 100, 'finishedAt', now)
  redis.call('PEXPIRE', key, keep)
  if listed > 0 and redis.call('LPUSH', COMPLETED, id) > listed then
    redis.call('LTRIM', COMPLETED, 0, listed - 1)
  end
  count('completed')

  local meta = redis.call('HMGET', META, 'notices', 'outOfServiceSince')
  if are_wanted(meta[1]) then notify(id, 'completed') end
  -- A job that was started since has succeeded: whatever was broken is mended.
  if meta[2] and (integer(held[4]) or 0) >= (integer(meta[2]) or 0) then
    redis.call('HDEL', META, 'heldUntil', 'heldReason', 'outOfService', 'outOfServiceSince')
  end
  return {'completed'}
end
