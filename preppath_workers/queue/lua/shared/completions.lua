-- The ids of recent completions, newest at the left.
local COMPLETED = base .. 'completed'

--: How much longer than it should be that list may grow before it is trimmed: to do that at each completion costs
--: more than the completion's place in the list.
local UNTRIMMED = 1.1

-- Writes down that a job has succeeded. Its hash has no end yet: that is the last thing to set.
local function note_completion(id, result, listed)
  redis.call('HSET', job_key(id), 'state', 'completed', 'result', result, 'progress', '100',
    'finishedAt', timestamp)
  local most = tonumber(listed)
  if most > 0 then
    -- As for a counter: what was put in its place by hand is no reason to stop half-way.
    local length = redis.pcall('LPUSH', COMPLETED, id)
    if type(length) == 'number' and length > most * UNTRIMMED then redis.call('LTRIM', COMPLETED, 0, most - 1) end
  end
  count('completed')
end
