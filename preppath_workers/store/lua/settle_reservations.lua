-- needs: budget, calendar
--
-- Settles reservations. Skips those that are settled already or don't exist: a worker and a janitor may settle the same one.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2…] pairs: a call's id, and its cost: nano-dollars; "worst" for the most that it could cost; "void" for nothing;
--          "unknown" if it may have cost the most: that is counted separately until a later call settles it
--
-- Returns {settled}.

local settled = 0
for index = 2, #ARGV, 2 do
  local id, cost = ARGV[index], ARGV[index + 1]
  local stored = redis.call('HGET', RESERVED, id)
  local record = stored and cjson.decode(stored)
  if record and not (record.unknown and cost == 'unknown') then
    settled = settled + 1
    add_to_sums(record, record.unknown and 'unknown' or 'reserved', record.worst, '-')
    redis.call('ZREM', OPEN, id)
    if cost == 'unknown' then
      record.unknown = true
      add_to_sums(record, 'unknown', record.worst, '')
      redis.call('HSET', RESERVED, id, cjson.encode(record))
      local _, left = ms_left(record.at)
      redis.call('ZADD', UNKNOWN, record.at + left, id)
    else
      redis.call('ZREM', UNKNOWN, id)
      redis.call('HDEL', RESERVED, id)
      if cost ~= 'void' then add_to_sums(record, 'spent', cost == 'worst' and record.worst or cost, '') end
    end
  end
end
return {settled}
