-- needs: durations

-- The ids of recent completions, newest at the left.
local COMPLETED = base .. 'completed'

--: The part by which that list may grow beyond its bound before it is trimmed, and the most jobs that one completion
--: trims away: to trim at each completion costs more than the completion's place in the list.
local UNTRIMMED, TRIMMED_AT_ONCE = 0.1, 500

-- Records that a job has succeeded. Its hash gets its end of life last, by the caller. Returns whether the job may be in
-- a group.
local function note_completion(id, result, listed, buckets, wait_ms, run_ms)
  local key = job_key(id)
  local new_fields = redis.call('HSET', key, 'state', 'completed', 'result', result, 'progress', '100',
    'finishedAt', timestamp)
  -- Fewer than three new fields: it has reported progress, a client waits for it (see wait.lua), or it is in a group. As
  -- in ended.lua.
  if new_fields < 3 and redis.call('HGET', key, 'awaited') then
    redis.pcall('RPUSH', base .. 'ended:' .. id, 'completed')
    redis.pcall('PEXPIRE', base .. 'ended:' .. id, '60000')
  end
  local most = tonumber(listed)
  if most > 0 then
    -- Whatever was put in its place by hand must not stop a completion half-way.
    local length = redis.pcall('LPUSH', COMPLETED, id)
    local excess = type(length) == 'number' and length - most or 0
    if excess > math.min(most * UNTRIMMED, TRIMMED_AT_ONCE) then
      -- A job that falls off the list cannot be looked up any more. The one that is completed now stays: its worker may
      -- ask again. The id may have been used again since.
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
