-- needs: instances, agreeing, layout, tokens, fairness
--
-- Renews an instance's lease on this queue, stores its description, and settles which rate limit is in force. The first
-- heartbeat of a queue stores the version of its layout.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  instance
-- ARGV[3]  lease (ms)
-- ARGV[4]  number of slots, 0 to n-1. It never shrinks: a slot that was closed may still hold a job.
-- ARGV[5]  "1": this instance wants events and turns them into webhook deliveries; "0": it does not
-- ARGV[6]  the rate limit's maximum in its configuration; 0 for no limit
-- ARGV[7]  the rate limit's duration (ms)
-- ARGV[8]  how long ago it read its configuration (ms)
-- ARGV[9…] fields and values of the instance's hash. `fairBy`: the field of a job's data that identifies its user, so
--          that users take turns; "" if they don't
--
-- Returns {now}. If instances are configured with different limits, returns {now, maximum, duration, instance, maximum,
-- duration, instance}: first the limit in force, then the other one.

local instance, lease, slots = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

-- When Redis is out of memory, it refuses a script whose first write may need memory, but lets later writes pass. The lease
-- must be renewed then too, so the first write is one that needs none.
redis.call('HDEL', instance_key(instance), 'gone')
local known = integer(redis.call('HGET', instance_key(instance), 'slots')) or 0
redis.call('HSET', instance_key(instance), 'slots', math.max(known, slots), 'lease', lease, unpack(ARGV, 9))
redis.call('ZADD', INSTANCES, now + lease, instance)
-- Each start removes old tokens. If no more jobs start, the key has to expire.
redis.call('PEXPIRE', TOKENS, 2 * tonumber(ARGV[7]) + 60000)
if ARGV[5] == '1' then redis.call('HSET', GATE, 'eventsUntil', now + GOOD_FOR * lease) end
store_layout()
for index = 9, #ARGV, 2 do
  if ARGV[index] == 'fairBy' then agree_on_fairness(ARGV[index + 1], now - tonumber(ARGV[8])) end
end
return { now, unpack(agree_on_limit(instance, ARGV[6], ARGV[7], tonumber(ARGV[8]), lease)) }
