-- needs: instances, epochs
--
-- Renews the lease of a registered instance, and advances the queue's epoch. Nearly all heartbeats do only this, so an idle
-- queue costs few commands.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  instance
-- ARGV[3]  lease (ms)
-- ARGV[4]  the epoch of the caller's last call; 0 for the first
-- ARGV[5]  the server's time of that call (ms); 0 for the first
--
-- Returns {now, ms until the first lease of another instance ends, …}: 0 if one is over, -1 if there is no other instance;
-- then what advance_epoch in epochs.lua returns. Returns {} if the instance is not registered, or was renewed in this
-- millisecond: the caller has to call heartbeat.lua.

local instance, lease = ARGV[2], tonumber(ARGV[3])

redis.call('HDEL', instance_key(instance), 'gone') -- out of memory: as in heartbeat.lua
if redis.call('ZADD', INSTANCES, 'XX', 'CH', now + lease, instance) == 0 then return {} end
local first = redis.call('ZRANGE', INSTANCES, 0, 1, 'WITHSCORES')
local ends = first[first[1] == instance and 4 or 2]
local left = ends and math.max(0, ends - now) or -1
return {now, left, unpack(advance_epoch(tonumber(ARGV[4]), tonumber(ARGV[5])))}
