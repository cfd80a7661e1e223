-- needs: layout
--
-- Advances the queue's epoch, and notices if Redis is behind the epoch that the caller has seen: a failover or a restore
-- has then lost its latest writes.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  the epoch of the caller's last call; 0 for the first
-- ARGV[3]  the server's time of that call (ms); 0 for the first
--
-- Returns {now, epoch, time, lost, layout}: when a loss of writes was last noticed (ms; 0 for never), and how many ms of writes
-- were lost then, -1 if all were; and the version of the queue's layout, which a newer release may have changed.

local seen, seen_at = tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('HDEL', META, '') -- out of memory: as in heartbeat.lua
local known = redis.call('HMGET', META, 'epoch', 'epochAt', 'lossAt', 'lossMs', 'layout')
local epoch, at = integer(known[1]) or 0, integer(known[2])
local loss_at, loss_ms = integer(known[3]) or 0, integer(known[4]) or 0
if epoch < seen then
  -- Far ahead: what other instances have seen may be higher still, and this loss is noticed once.
  epoch = seen + 1000
  loss_at, loss_ms = now, at and math.max(0, seen_at - at) or -1
  redis.call('HSET', META, 'lossAt', timestamp, 'lossMs', loss_ms)
end
epoch = epoch + 1
redis.call('HSET', META, 'epoch', epoch, 'epochAt', timestamp)
return { now, epoch, loss_at, loss_ms, known[5] or LAYOUT }
