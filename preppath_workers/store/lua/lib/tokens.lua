-- needs: reservations
--
-- The token bucket. `tokens` holds every start of the last `duration`, and a few older ones. A token comes back `duration`
-- after it was acquired, so the next job may start that long after the start that is `limit` starts back. `reservations`
-- holds a moment for each slot that found the bucket empty: the slot sleeps until then, and slots that come later get later
-- moments.
--
-- If the clock is set back, a start in the future counts as one at this moment, and a reservation further away than the
-- starts require is made again.
local TOKENS = base .. 'tokens'

--: Each start with a number that this divides deletes old ones: they only take memory.
local CLEANED_EACH = 50

-- Acquires the token, and returns what acquire_token returns.
local function record_start(purpose)
  -- The time makes the member unique: a new job with the id of an old one has the same fencing tokens.
  redis.call('ZADD', TOKENS, timestamp, purpose .. '#' .. timestamp)
  return 0
end

-- Acquires a token for what `purpose` names and returns 0, or reserves one for the slot and returns how long until then
-- (ms). A limit of "0" is none; limit and duration are taken as text. `vendor`: a further {limit, duration (ms)} that
-- applies at the same time, or nil.
local function acquire_token(worker_id, purpose, limit, duration, vendor)
  if limit == '0' and not vendor then return 0 end
  -- Nearly always there are tokens, and no slot waits for one. Then what is below would only cost time.
  local starts = redis.call('ZCARD', TOKENS)
  if not vendor and starts < tonumber(limit) and starts % CLEANED_EACH > 0 and redis.call('EXISTS', RESERVATIONS) == 0 then
    return record_start(purpose)
  end
  local windows = {vendor}
  if limit ~= '0' then windows[#windows + 1] = {tonumber(limit), tonumber(duration)} end

  -- The latest of the moments that a function of limit and duration returns for the windows.
  local function latest(moment_in)
    local first = moment_in(unpack(windows[1]))
    return windows[2] and math.max(first, moment_in(unpack(windows[2]))) or first
  end

  -- The latest moment that can be reserved behind `ahead` reservations, if all tokens are acquired now.
  local function latest_moment(ahead)
    return latest(function(limit, duration) return now + (math.floor(ahead / limit) + 1) * duration end)
  end

  -- When a token is free in one window behind `ahead` reservations (ms since the epoch).
  local function free_in(ahead, limit, duration)
    local acquired
    if ahead < limit then
      local rank = limit - 1 - ahead
      acquired = redis.call('ZREVRANGE', TOKENS, rank, rank, 'WITHSCORES')[2]
    else
      local rank = ahead - limit
      local reserved = tonumber(redis.call('ZRANGE', RESERVATIONS, rank, rank, 'WITHSCORES')[2])
      acquired = math.max(now, math.min(reserved, latest_moment(rank)))
    end
    return acquired and acquired + duration or now
  end

  local function free_at(ahead)
    return latest(function(limit, duration) return free_in(ahead, limit, duration) end)
  end

  -- The moment that is reserved for the slot, or nil, and how many reservations it is behind.
  local function reservation()
    local moment = tonumber(redis.call('ZSCORE', RESERVATIONS, worker_id))
    if not moment then return nil, redis.call('ZCARD', RESERVATIONS) end
    if moment <= now then return moment, 0 end
    local rank = redis.call('ZRANK', RESERVATIONS, worker_id)
    if moment <= latest_moment(rank) then return moment, rank end
    -- A reservation before it was given up, or the clock was set back. It is made again in the same place: at the end, slots
    -- would overtake each other forever.
    redis.call('ZREM', RESERVATIONS, worker_id)
    return nil, rank
  end

  -- Moves starts in the future to this moment, and deletes the reservations that follow from them. Returns whether there
  -- were any.
  local function correct_starts()
    local ahead = redis.call('ZRANGEBYSCORE', TOKENS, '(' .. timestamp, '+inf', 'LIMIT', 0, 500)
    for _, start in ipairs(ahead) do redis.call('ZADD', TOKENS, timestamp, start) end
    if #ahead > 0 then redis.call('DEL', RESERVATIONS) end
    return #ahead > 0
  end

  redis.call('ZREMRANGEBYSCORE', TOKENS, '-inf', now - latest(function(_, duration) return duration end))
  local moment, reserved, ahead
  repeat
    reserved, ahead = reservation()
    -- The starts before it may have been later than reserved, and no window may hold too many. So a reservation that is due
    -- is checked against the real starts.
    moment = reserved
    if not reserved or reserved <= now then
      moment = free_at(ahead)
    end
  until moment <= now or not correct_starts()
  if moment > now then
    redis.call('ZADD', RESERVATIONS, moment, worker_id)
    return moment - now
  end
  if reserved then redis.call('ZREM', RESERVATIONS, worker_id) end
  return record_start(purpose)
end
