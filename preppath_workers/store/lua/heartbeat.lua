-- needs: instances, agreeing, layout, tokens
--
-- Renews an instance's lease on this queue, stores its description, and settles which rate limit is in force. The first
-- heartbeat of a queue stores the version of its layout.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  instance
-- ARGV[3]  lease (ms)
-- ARGV[4]  slots it may have, 0 to n-1. Never fewer than it had: a slot that was closed may still hold a job.
-- ARGV[5]  "1": this instance wants events of ended jobs, and makes deliveries of them; "0": it does not
-- ARGV[6]  the rate limit's maximum in its configuration; 0 for no limit
-- ARGV[7]  the rate limit's duration (ms)
-- ARGV[8]  how long ago it read its configuration (ms)
-- ARGV[9…] fields and values of the instance's hash
--
-- Returns {now}; while instances are configured with different limits {now, maximum, duration, instance} of the limit
-- that is in force, and then the same of the one that is not.

local instance, lease, slots = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

-- A server that is out of memory lets no script begin with what may need some; one that has written may go on. A lease
-- must be renewed then too.
redis.call('HDEL', instance_key(instance), 'gone')
local known = integer(redis.call('HGET', instance_key(instance), 'slots')) or 0
redis.call('HSET', instance_key(instance), 'slots', math.max(known, slots), 'lease', lease, unpack(ARGV, 9))
redis.call('ZADD', INSTANCES, now + lease, instance)
-- A queue that no worker works has no start that would clear its tokens.
redis.call('PEXPIRE', TOKENS, 2 * tonumber(ARGV[7]) + 60000)
if ARGV[5] == '1' then redis.call('HSET', GATE, 'eventsUntil', now + GOOD_FOR * lease) end
store_layout()
return { now, unpack(agree_on_limit(instance, ARGV[6], ARGV[7], tonumber(ARGV[8]), lease)) }
