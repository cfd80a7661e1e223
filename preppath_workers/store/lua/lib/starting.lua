-- needs: tokens

--: ms after which a slot that waits for a token asks again at the latest: the clock may have been put right, or the
--: limit changed.
local LONGEST_SLEEP = 60000

-- Starts the job in the slot's hand, as the attempt and with the fencing number that are given (as text), and
-- returns 0; or how long it has to wait until it asks again for a token (ms), one duration at most.
local function start(worker_id, id, attempt, fencing_token, limit, duration)
  local delay = acquire_token(worker_id, id .. '#' .. fencing_token, limit, duration)
  if delay > 0 then return math.min(delay, tonumber(duration), LONGEST_SLEEP) end
  redis.call('HSET', job_key(id), 'state', 'active', 'workerId', worker_id, 'startedAt', timestamp, 'fencingToken', fencing_token,
    'attempts', attempt)
  return 0
end

-- For a script to return where the slot holds nothing: what was reserved_for to it is free again.
local function start_nothing(worker_id)
  redis.call('ZREM', RESERVATIONS, worker_id)
  return {'none'}
end
