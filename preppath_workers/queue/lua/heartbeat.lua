-- needs: instances
--
-- Renews an instance's lease on this queue, with its facts for those who look.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  instance
-- ARGV[3]  lease (ms)
-- ARGV[4]  slots it may have, 0 to n-1. Never fewer than it had: a slot that was closed may still hold a job.
-- ARGV[5]  "1": this instance wants notices of ended jobs, and makes deliveries of them; "0": it does not
-- ARGV[6…] fields and values of the instance's hash
--
-- Returns {"ok"}.

local instance, lease, slots = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local known = integer(redis.call('HGET', instance_key(instance), 'slots')) or 0
redis.call('HSET', instance_key(instance), 'slots', math.max(known, slots), unpack(ARGV, 6))
redis.call('HDEL', instance_key(instance), 'gone')
if ARGV[5] == '1' then redis.call('HSET', META, 'notices', now + 4 * lease) end
redis.call('ZADD', INSTANCES, now + lease, instance)
return {'ok'}
