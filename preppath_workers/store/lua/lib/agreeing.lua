-- needs: limits

--: For how many leases the word of an instance is good when it is not repeated.
local GOOD_FOR = 4

-- The moment, or the latest that it can be: a later one was written before the clock was put back.
local function at_most(moment, latest)
  return math.min(integer(moment) or 0, latest)
end

-- Keeps the field of `gate` for as long as instances disagree.
local function tell_scripts(latest, is_disputed, limit, duration)
  if is_disputed then
    redis.call('HSET', GATE, 'limit', string.format('%s %s %.0f', limit, duration, latest))
    return
  end
  local told = redis.call('HGET', GATE, 'limit')
  if not told then return end
  local good_until = at_most(string.match(told, '(%d+)$'), latest)
  if good_until <= now then
    redis.call('HDEL', GATE, 'limit')
  else
    redis.call('HSET', GATE, 'limit', string.format('%s %s %.0f', limit, duration, good_until))
  end
end

-- Compares the limit of an instance, which read its configuration so long ago (ms), with the one in force. Returns the
-- maximum, duration and instance of the one in force and of the one that is not; nothing when there is only one.
local function agree_on_limit(instance, limit, duration, age, lease)
  local latest, ours = now + GOOD_FOR * lease, now - age
  local known = redis.call('HMGET', LIMIT, 'max', 'duration', 'since', 'until', 'instance')
  local is_known, since = at_most(known[4], latest) > now, at_most(known[3], now)
  local agrees = known[1] == limit and known[2] == duration
  local is_newer = not is_known or ours > since
  local is_disputed = is_known and not agrees
  if is_newer then
    redis.call('HSET', LIMIT, 'max', limit, 'duration', duration, 'since', ours, 'until', latest, 'instance', instance)
    if is_disputed then
      redis.call('HSET', LIMIT, 'otherMax', known[1], 'otherDuration', known[2], 'otherInstance', known[5] or '')
    end
    known = { limit, duration, nil, nil, instance }
  elseif agrees then
    redis.call('HSET', LIMIT, 'since', since, 'until', latest)
  else
    redis.call('HSET', LIMIT, 'until', at_most(known[4], latest), 'otherMax', limit, 'otherDuration', duration,
      'otherInstance', instance)
  end
  redis.call('PEXPIRE', LIMIT, GOOD_FOR * lease) -- a queue that no instance works any more keeps none
  tell_scripts(latest, is_disputed, known[1], known[2])

  local other = redis.call('HMGET', LIMIT, 'otherUntil', 'otherMax', 'otherDuration', 'otherInstance')
  if is_disputed then
    redis.call('HSET', LIMIT, 'otherUntil', latest)
  elseif other[1] and (at_most(other[1], latest) <= now or other[4] == instance) then
    redis.call('HDEL', LIMIT, 'otherUntil', 'otherMax', 'otherDuration', 'otherInstance')
    return {}
  elseif not other[1] then
    return {}
  else
    redis.call('HSET', LIMIT, 'otherUntil', at_most(other[1], latest))
  end
  return { known[1], known[2], known[5] or '', other[2], other[3], other[4] }
end
