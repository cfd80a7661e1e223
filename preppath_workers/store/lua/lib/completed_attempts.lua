-- needs: durations

-- Returns the queue's completions so far: two tables, by bucket of their wait and of their run, and their number.
local function completed_attempts()
  local waits, runs, completed = {}, {}, integer(redis.pcall('HGET', STATS, 'completed')) or 0
  local fields = redis.pcall('HGETALL', DURATIONS)
  for index = 1, #fields, 2 do
    local wait, run = string.match(fields[index], '^completed:([^:]+):([^:]+)$')
    local attempts = wait and integer(fields[index + 1]) or 0
    if attempts > 0 then
      completed = completed + attempts
      waits[wait] = (waits[wait] or 0) + attempts
      runs[run] = (runs[run] or 0) + attempts
    end
  end
  return waits, runs, completed
end
