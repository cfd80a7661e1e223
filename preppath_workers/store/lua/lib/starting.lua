-- needs: tokens

--: The longest time until a slot that waits for a token claims again (ms): the clock may have been set, or the limit
--: changed.
local LONGEST_SLEEP = 60000

-- Starts the job that the slot has reserved, with this number of attempts and this fencing token (both text), and returns
-- 0. If there is no token, returns the time until the slot has to claim again (ms), at most one duration.
local function start(worker_id, id, attempt, fencing_token, limit, duration)
  local delay = acquire_token(worker_id, id .. '#' .. fencing_token, limit, duration)
  if delay > 0 then return math.min(delay, tonumber(duration), LONGEST_SLEEP) end
  redis.call('HSET', job_key(id), 'state', 'active', 'workerId', worker_id, 'startedAt', timestamp,
    'fencingToken', fencing_token, 'attempts', attempt)
  return 0
end

-- Deletes the reservation of a slot that holds no job. Returns what the script has to return.
local function start_nothing(worker_id)
  redis.call('ZREM', RESERVATIONS, worker_id)
  return {'none'}
end
