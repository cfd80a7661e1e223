-- needs: budget
--
-- Returns the oldest open reservations, so that a janitor can compare them with the ledger: their workers may have died.
-- Deletes those of unknown cost whose month is over.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  the least time since they were made or last returned (ms)
-- ARGV[3]  maximum number
--
-- Returns {id, record (JSON: queue, job, token, worst), …}.

local over = redis.call('ZRANGEBYSCORE', UNKNOWN, '-inf', now, 'LIMIT', 0, ARGV[3])
for _, id in ipairs(over) do
  redis.call('ZREM', UNKNOWN, id)
  redis.call('HDEL', RESERVED, id)
end

local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', OPEN, '-inf', now - ARGV[2], 'LIMIT', 0, ARGV[3])) do
  local stored = redis.call('HGET', RESERVED, id)
  if stored then
    redis.call('ZADD', OPEN, now, id) -- so that the next call returns others
    found[#found + 1] = id
    found[#found + 1] = stored
  else
    redis.call('ZREM', OPEN, id)
  end
end
return found
