-- needs: limits, instances

--: Leases after which an instance's configuration is out of date.
local GOOD_FOR = 4

-- The stored time, at most `latest`: a later one was stored before the clock was set back.
local function at_most(moment, latest)
  return math.min(integer(moment) or 0, latest)
end

-- Sets the field `limit` of the gate if instances disagree, and deletes it once it is out of date.
local function store_dispute(latest, is_disputed, limit, duration)
  if is_disputed then
    redis.call('HSET', GATE, 'limit', string.format('%s %s %.0f', limit, duration, latest))
    return
  end
  local stored = redis.call('HGET', GATE, 'limit')
  if not stored then return end
  local good_until = at_most(string.match(stored, '(%d+)$'), latest)
  if good_until <= now then
    redis.call('HDEL', GATE, 'limit')
  else
    redis.call('HSET', GATE, 'limit', string.format('%s %s %.0f', limit, duration, good_until))
  end
end

-- Compares an instance's limit with the one in force; `age`: how long ago the instance read its configuration (ms).
-- Returns maximum, duration and instance of the limit in force and of the other one; an empty table if there is only one.
local function agree_on_limit(instance, limit, duration, age, lease)
  local latest, ours = now + GOOD_FOR * lease, now - age
  local known = redis.call('HMGET', LIMIT, 'max', 'duration', 'since', 'until', 'instance', 'comparedAt')
  -- By how much the clock was set back since the last heartbeat.
  local set_back = math.max(0, (integer(known[6]) or 0) - now)
  local is_known, since = at_most(known[4], latest) > now, math.min((integer(known[3]) or 0) - set_back, now)
  local agrees = known[1] == limit and known[2] == duration
  local is_newer = not is_known or ours > since
  local is_disputed = is_known and not agrees
  -- After a reload or a restart, only workers that finish their jobs have the other limit: there is nothing to report.
  local is_reported = is_disputed
    and (not is_newer or known[5] ~= instance and redis.call('ZSCORE', INSTANCES, known[5] or ''))
  redis.call('HSET', LIMIT, 'comparedAt', timestamp)
  if is_newer then
    redis.call('HSET', LIMIT, 'max', limit, 'duration', duration, 'since', ours, 'until', latest, 'instance', instance)
    if is_reported then
      redis.call('HSET', LIMIT, 'otherMax', known[1], 'otherDuration', known[2], 'otherInstance', known[5])
    end
    known = { limit, duration, nil, nil, instance }
  elseif agrees then
    redis.call('HSET', LIMIT, 'since', since, 'until', latest)
  else
    redis.call('HSET', LIMIT, 'since', since, 'until', at_most(known[4], latest), 'otherMax', limit,
      'otherDuration', duration, 'otherInstance', instance)
  end
  redis.call('PEXPIRE', LIMIT, GOOD_FOR * lease) -- it expires if no instance works on the queue any more
  store_dispute(latest, is_disputed, known[1], known[2])

  local other = redis.call('HMGET', LIMIT, 'otherUntil', 'otherMax', 'otherDuration', 'otherInstance')
  if is_reported then
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
