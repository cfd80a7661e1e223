-- needs: giving_back
--
-- Recovers what instances left behind whose lease ran out, and strikes them off.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  times a job may lose its worker
-- ARGV[3]  how many instances at most
-- ARGV[4]  the caller's own instance: it lives, whatever its lease says
--
-- Returns {{instance, jobs that went back to the queue, …}, {jobs that are dead now, each as fields and values}}.

local limit, most, own = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

local reaped, buried = {}, {}
local expired = redis.call('ZRANGEBYSCORE', INSTANCES, '-inf', now, 'LIMIT', 0, most)
for _, instance in ipairs(expired) do
  if instance ~= own then
    reaped[#reaped + 1] = instance
    reaped[#reaped + 1] = retire(instance, true, limit, buried)
  end
end
return {reaped, buried}
