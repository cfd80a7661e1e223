-- needs: meta, notices

--: How much longer than it should be the list of completions may grow before it is trimmed: to do that at each
--: completion costs more than the completion's place in the list.
local UNTRIMMED = 1.1

-- Settles a job that succeeded, if it is still the caller's; see complete.lua. Whatever was wrong with the queue is
-- mended in `meta` too. Returns 'completed' or 'lost', and whether it was now that the job was settled.
local function complete(id, owner, fence, result, keep, listed, meta)
  local key = job_key(id)
  local held = redis.call('HMGET', key, 'state', 'owner', 'fence')
  if held[2] ~= owner or held[3] ~= fence then return 'lost', false end
  if held[1] == 'completed' then return 'completed', false end
  if held[1] ~= 'active' then return 'lost', false end
  redis.call('LREM', active_key(owner), '1', id)
  redis.call('HSET', key, 'state', 'completed', 'result', result, 'progress', '100',
    'finishedAt', timestamp)
  if listed > 0 and redis.call('LPUSH', COMPLETED, id) > listed * UNTRIMMED then
    redis.call('LTRIM', COMPLETED, 0, listed - 1)
  end
  count('completed')
  if are_wanted(meta.notices) then notify(id, 'completed') end
  -- A job that was started since has succeeded: whatever was broken is mended.
  local since = meta.outOfServiceSince
  if since and (integer(redis.call('HGET', key, 'startedAt')) or 0) >= (integer(since) or 0) then
    redis.call('HDEL', META, 'heldUntil', 'heldReason', 'outOfService', 'outOfServiceSince')
    meta.heldUntil, meta.outOfService, meta.outOfServiceSince = nil, nil, nil
  end
  redis.call('PEXPIRE', key, keep)
  return 'completed', true
end
