-- needs: durations

-- The ids of recent completions, newest at the left.
local COMPLETED = base .. 'completed'

--: The fraction by which the list may exceed its bound before it is trimmed, and the most jobs that one completion removes:
--: trimming at each completion would slow each down, and removing many jobs at once would block Redis.
local UNTRIMMED, TRIMMED_AT_ONCE = 0.1, 500

-- Records that a job has succeeded. The caller sets when the hash expires, as the last step. Returns whether the job may be
-- in a group.
local function note_completion(id, result, listed, buckets, wait_ms, run_ms)
  local key = job_key(id)
  local new_fields = redis.call('HSET', key, 'state', 'completed', 'result', result, 'progress', '100',
    'finishedAt', timestamp)
  -- With fewer than three new fields, `progress` was set: by the handler, because a client waits for the job (wait.lua), or
  -- because it is in a group. The announcement is that of ended.lua.
  if new_fields < 3 and redis.call('HGET', key, 'awaited') then
    redis.pcall('RPUSH', base .. 'ended:' .. id, 'completed')
    redis.pcall('PEXPIRE', base .. 'ended:' .. id, '60000')
  end
  local most = tonumber(listed)
  if most > 0 then
    -- pcall: a key of another type must not stop a completion half-way.
    local length = redis.pcall('LPUSH', COMPLETED, id)
    local excess = type(length) == 'number' and length - most or 0
    if excess > math.min(most * UNTRIMMED, TRIMMED_AT_ONCE) then
      -- Deletes the jobs that fall off the list, unless their ids were used again. The job that completes now stays: its
      -- worker may repeat the call.
      local ended = {}
      for _, old in ipairs(redis.call('RPOP', COMPLETED, math.min(excess, TRIMMED_AT_ONCE))) do
        if redis.call('HGET', job_key(old), 'state') == 'completed' then ended[#ended + 1] = job_key(old) end
      end
      if ended[1] then redis.call('DEL', unpack(ended)) end
    end
  end
  if buckets then count_attempt('completed', buckets, wait_ms, run_ms) else count('completed') end
  return new_fields < 3
end
