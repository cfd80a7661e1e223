-- The ids of recent completions, newest at the left.
local COMPLETED = base .. 'completed'

--: The list may exceed its bound by this fraction, and by this many jobs, before it is trimmed; and the most jobs that one
--: completion removes. Trimming at each completion would slow each down, and removing many jobs at once would block Redis.
local UNTRIMMED, UNTRIMMED_MOST, TRIMMED_AT_ONCE = 0.1, 50, 500

-- Deletes the jobs that fall off a list of this length, unless their ids were used again. The newest job, which completes
-- now, stays: its worker may repeat the call.
local function trim_completions(length, most)
  local excess = length - most
  if excess <= math.min(most * UNTRIMMED, UNTRIMMED_MOST) then return end
  local call, ended = redis.call, {}
  local removed = call('RPOP', COMPLETED, math.min(excess, TRIMMED_AT_ONCE))
  for index = 1, #removed do
    local key = base .. 'job:' .. removed[index]
    if redis.pcall('HGET', key, 'state') == 'completed' then ended[#ended + 1] = key end
  end
  if ended[1] then call('DEL', unpack(ended)) end
end
