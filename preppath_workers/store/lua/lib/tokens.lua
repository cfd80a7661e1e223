-- The token bucket. `tokens` holds every start of the last `duration`; a token is back `duration` after it was
-- spent, so the max-th newest start tells when the next one may be. `reservations` holds the moment that a slot was
-- reserved_for when it found the bucket empty: it sleeps until then, nobody polls, and whoever comes later is
-- reserved_for a later moment.
--
-- The clock may be put back. A start that lies ahead counts as one of now, and a moment that is further away than the
-- starts can make it is reserved_for again.
local TOKENS, RESERVATIONS = base .. 'tokens', base .. 'reservations'

-- The latest moment that somebody can be reserved_for with so many reservations ahead, if all tokens are spent now.
local function latest_promise(ahead, limit, duration)
  return now + (math.floor(ahead / limit) + 1) * duration
end

-- When a token is free for somebody with so many reservations ahead of him (ms since the epoch).
local function free_at(ahead, limit, duration)
  local spent
  if ahead < limit then
    local rank = limit - 1 - ahead
    spent = redis.call('ZREVRANGE', TOKENS, rank, rank, 'WITHSCORES')[2]
  else
    local rank = ahead - limit
    local reserved_for = tonumber(redis.call('ZRANGE', RESERVATIONS, rank, rank, 'WITHSCORES')[2])
    spent = math.max(now, math.min(reserved_for, latest_promise(rank, limit, duration)))
  end
  return spent and spent + duration or now
end

-- The moment that the slot was reserved_for; nil if there is none, or none that can be right.
local function promise_of(worker_id, limit, duration)
  local reserved_for = tonumber(redis.call('ZSCORE', RESERVATIONS, worker_id))
  if not reserved_for or reserved_for <= now then return reserved_for end
  if reserved_for <= latest_promise(redis.call('ZRANK', RESERVATIONS, worker_id), limit, duration) then return reserved_for end
  redis.call('ZREM', RESERVATIONS, worker_id)
  return nil
end

-- Makes starts that lie ahead starts of now; what was reserved_for because of them is void. Whether there were any.
local function puts_starts_right()
  local ahead = redis.call('ZRANGEBYSCORE', TOKENS, '(' .. timestamp, '+inf', 'LIMIT', 0, 500)
  for _, start in ipairs(ahead) do redis.call('ZADD', TOKENS, timestamp, start) end
  if #ahead > 0 then redis.call('DEL', RESERVATIONS) end
  return #ahead > 0
end

-- Spends a token on what `purpose` names and returns 0, or reserves one for the slot and returns how long until
-- then (ms). No limit at all is a limit of "0"; limit and duration are taken as they came.
local function acquire_token(worker_id, purpose, limit, duration)
  if limit == '0' then return 0 end
  limit, duration = tonumber(limit), tonumber(duration)
  redis.call('ZREMRANGEBYSCORE', TOKENS, '-inf', now - duration)
  local moment, reserved_for
  repeat
    reserved_for = promise_of(worker_id, limit, duration)
    -- A promise is kept only as far as the real starts allow: they may have been later than they were reserved_for,
    -- and no window may hold too many.
    moment = reserved_for
    if not reserved_for or reserved_for <= now then
      moment = free_at(reserved_for and 0 or redis.call('ZCARD', RESERVATIONS), limit, duration)
    end
  until moment <= now or not puts_starts_right()
  if moment > now then
    redis.call('ZADD', RESERVATIONS, moment, worker_id)
    return moment - now
  end
  if reserved_for then redis.call('ZREM', RESERVATIONS, worker_id) end
  -- A job that is made anew under its old id counts its starts from one again: the time tells them apart.
  redis.call('ZADD', TOKENS, timestamp, purpose .. '#' .. timestamp)
  -- A queue that is not worked any more has no start that would clear them.
  redis.call('PEXPIRE', TOKENS, 2 * duration + 60000)
  return 0
end
