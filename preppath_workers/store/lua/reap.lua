-- needs: requeueing
--
-- Requeues the jobs of instances whose lease expired. Removes such an instance only in a later call: a pop that is still
-- blocked may put a job into one of its slots, and no janitor finds the slots of an instance that is removed.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  how many times a job may lose its worker
-- ARGV[3]  maximum number of instances
-- ARGV[4]  the caller's instance: it is alive, even if its lease has expired
-- ARGV[5]  how long a pop of an expired instance may still be blocked (ms)
-- ARGV[6]  how long the caller has been connected (ms). Leases that expired before that are ignored: if Redis was not
--          reachable, the instance may be as alive as the caller
-- ARGV[7]  the lease of an instance that has not stored its own (ms)
-- ARGV[8]  the latest time that the server's clock can show, by the caller's clock (ms): if it shows a later one, it was
--          set forward and no lease has expired
--
-- Returns {{instance, jobs requeued, …}, {jobs moved to the dead-letter list, each as fields and values}}. If it names any
-- instance, the caller has to call again: only some of the jobs may be requeued.

local limit, most, own, linger, connected_for = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), ARGV[6]
local lease, latest = tonumber(ARGV[7]), tonumber(ARGV[8])

if now > latest then return {{}, {}} end

-- Out of memory: as in heartbeat.lua.
redis.call('ZREM', INSTANCES, '')

-- If a lease ends later than a new one would, the clock was set back since it was stored.
local late = redis.call('ZREVRANGEBYSCORE', INSTANCES, '+inf', '(' .. now + math.min(lease, linger), 'WITHSCORES',
  'LIMIT', 0, 10 * most)
for index = 1, #late, 2 do
  local known = redis.call('HMGET', instance_key(late[index]), 'gone', 'lease')
  local ends = now + (known[1] and linger or integer(known[2]) or lease)
  if tonumber(late[index + 1]) > ends then redis.call('ZADD', INSTANCES, ends, late[index]) end
end

local reaped, dead, left = {}, {}, MOST_REQUEUED
local expired = redis.call('ZRANGEBYSCORE', INSTANCES, now - connected_for, now, 'LIMIT', 0, most)
for _, instance in ipairs(expired) do
  if instance ~= own and left > 0 then
    local was_gone = redis.call('HGET', instance_key(instance), 'gone')
    local moved, entries, is_empty = requeue_instance(instance, true, limit, dead, true, left)
    left = left - entries
    if not was_gone or moved > 0 then
      reaped[#reaped + 1] = instance
      reaped[#reaped + 1] = moved
    end
    if is_empty and was_gone then
      remove_instance(instance)
    elseif is_empty then
      redis.call('HSET', instance_key(instance), 'gone', 1)
      redis.call('ZADD', INSTANCES, now + linger, instance)
    end
  end
end
return {reaped, dead}
