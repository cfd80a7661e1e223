-- The ids of recent completions, newest at the left.
local COMPLETED = base .. 'completed'

--: The part by which that list may grow beyond its bound before it is trimmed, and the most jobs that one completion
--: trims away: to trim at each completion costs more than the completion's place in the list.
local UNTRIMMED, TRIMMED_AT_ONCE = 0.1, 500

-- What falls off the list can not be looked up any more. The job that is completed just now stays: its worker may ask
-- again.
local function trim_completed(length, most)
  local excess = length - most
  if excess <= math.min(most * UNTRIMMED, TRIMMED_AT_ONCE) then return end
  for _, id in ipairs(redis.call('RPOP', COMPLETED, math.min(excess, TRIMMED_AT_ONCE))) do
    -- The id may have been used again since.
    if redis.call('HGET', job_key(id), 'state') == 'completed' then redis.call('DEL', job_key(id)) end
  end
end

-- Writes down that a job has succeeded. Its hash has no end yet: that is the last thing to set.
local function note_completion(id, result, listed)
  redis.call('HSET', job_key(id), 'state', 'completed', 'result', result, 'progress', '100',
    'finishedAt', timestamp)
  local most = tonumber(listed)
  if most > 0 then
    -- As for a counter: what was put in its place by hand is no reason to stop half-way.
    local length = redis.pcall('LPUSH', COMPLETED, id)
    if type(length) == 'number' then trim_completed(length, most) end
  end
  count('completed')
end
