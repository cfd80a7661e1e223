-- needs: tokens

--: The longest time until a slot that waits for a token claims again (ms): the clock may have been set, or the limit
--: changed.
local LONGEST_SLEEP = 60000
--: The smallest such bound while the vendor's limits set the pace (ms): their windows may be much shorter.
local SHORTEST_SLEEP = 1000

-- Starts the job that the slot has reserved, with this number of attempts and this fencing token (both text), and returns
-- 0. If there is no token, returns the time until the slot has to claim again (ms), at most one duration. `vendor`: the
-- vendor's window, or nil.
local function start(worker_id, id, attempt, fencing_token, limit, duration, vendor)
  local delay = acquire_token(worker_id, id .. '#' .. fencing_token, limit, duration, vendor)
  if delay > 0 then
    local longest = vendor and math.max(tonumber(duration), vendor[2], SHORTEST_SLEEP) or tonumber(duration)
    return math.min(delay, longest, LONGEST_SLEEP)
  end
  local key = job_key(id)
  -- needs: started
  -- What the last attempt did, or why it was put off, isn't what this one does.
  if fencing_token ~= '1' then redis.call('HDEL', key, 'stage') end
  return 0
end
