-- needs: requeueing
--
-- Recovers what instances left behind whose lease ran out. They are struck off somewhat later: a pop that was under
-- way may still put a job into a slot, and if its claim was cut off, nobody would look there any more.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  times a job may lose its worker
-- ARGV[3]  how many instances at most
-- ARGV[4]  the caller's own instance: it lives, whatever its lease says
-- ARGV[5]  how long after that a pop may still be under way (ms)
-- ARGV[6]  for how long the caller has been in touch (ms). What ran out before that is left alone: if it was Redis that
--          was away, the instance may be no more dead than the caller
-- ARGV[7]  the lease of an instance that does not say its own (ms)
-- ARGV[8]  the latest that it can be, by the caller's own clock and the last time that it was told (ms): if it is later,
--          the server's clock was put forward and no lease has run out by that
--
-- Returns {{instance, jobs that went back to the queue, …}, {jobs that are dead now, each as fields and values}}.

local limit, most, own, linger, in_touch = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), ARGV[6]
local lease, latest = tonumber(ARGV[7]), tonumber(ARGV[8])

if now > latest then return {{}, {}} end

-- Out of memory, as in heartbeat.lua: a write that needs none comes first.
redis.call('ZREM', INSTANCES, '')

-- A lease that ends later than one from now was written before the clock was put back.
local late = redis.call('ZREVRANGEBYSCORE', INSTANCES, '+inf', '(' .. now + math.min(lease, linger), 'WITHSCORES',
  'LIMIT', 0, 10 * most)
for index = 1, #late, 2 do
  local known = redis.call('HMGET', instance_key(late[index]), 'gone', 'lease')
  local ends = now + (known[1] and linger or integer(known[2]) or lease)
  if tonumber(late[index + 1]) > ends then redis.call('ZADD', INSTANCES, ends, late[index]) end
end

local reaped, dead = {}, {}
local expired = redis.call('ZRANGEBYSCORE', INSTANCES, now - in_touch, now, 'LIMIT', 0, most)
for _, instance in ipairs(expired) do
  if instance ~= own then
    local was_gone = redis.call('HGET', instance_key(instance), 'gone')
    local moved = requeue_instance(instance, true, limit, dead)
    if not was_gone or moved > 0 then
      reaped[#reaped + 1] = instance
      reaped[#reaped + 1] = moved
    end
    if was_gone then
      remove_instance(instance)
    else
      redis.call('HSET', instance_key(instance), 'gone', 1)
      redis.call('ZADD', INSTANCES, now + linger, instance)
    end
  end
end
return {reaped, dead}
