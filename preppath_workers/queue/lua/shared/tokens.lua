-- The token bucket. `tokens` holds every start of the last `duration`; a token is back `duration` after it was
-- spent, so the max-th newest start tells when the next one may be. `reserved` holds the moment that a slot was
-- promised when it found the bucket empty: it sleeps until then, nobody polls, and whoever comes later is
-- promised a later moment.
local TOKENS, RESERVED = base .. 'tokens', base .. 'reserved'

-- When a token is free for somebody with so many reservations ahead of him (ms since the epoch).
local function free_at(ahead, limit, duration)
  local spent
  if ahead < limit then
    local rank = limit - 1 - ahead
    spent = redis.call('ZREVRANGE', TOKENS, rank, rank, 'WITHSCORES')[2]
  else
    local rank = ahead - limit
    spent = math.max(now, redis.call('ZRANGE', RESERVED, rank, rank, 'WITHSCORES')[2])
  end
  return spent and spent + duration or now
end

-- Spends a token on what `purpose` names and returns 0, or reserves one for the slot and returns how long until
-- then (ms). No limit at all is a limit of "0"; limit and duration are taken as they came.
local function take_token(owner, purpose, limit, duration)
  if limit == '0' then return 0 end
  limit, duration = tonumber(limit), tonumber(duration)
  redis.call('ZREMRANGEBYSCORE', TOKENS, '-inf', now - duration)
  local promised = tonumber(redis.call('ZSCORE', RESERVED, owner))
  -- A promise is kept only as far as the real starts allow: they may have been later than they were promised,
  -- and no window may hold too many.
  local moment = promised
  if not promised or promised <= now then
    moment = free_at(promised and 0 or redis.call('ZCARD', RESERVED), limit, duration)
  end
  if moment > now then
    redis.call('ZADD', RESERVED, moment, owner)
    return moment - now
  end
  if promised then redis.call('ZREM', RESERVED, owner) end
  -- A job that is made anew under its old id counts its starts from one again: the time tells them apart.
  redis.call('ZADD', TOKENS, timestamp, purpose .. '#' .. timestamp)
  return 0
end
