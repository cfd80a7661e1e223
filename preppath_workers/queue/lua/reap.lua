-- needs: giving_back
--
-- Recovers what instances left behind whose lease ran out, and strikes them off.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  times a job may lose its worker
-- ARGV[3]  how many instances at most
--
-- Returns {{instance, jobs that went back to the queue, …}, {jobs that are dead now, each as fields and values}}.

local limit, most = tonumber(ARGV[2]), tonumber(ARGV[3])

local reaped, buried = {}, {}
local expired = redis.call('ZRANGEBYSCORE', INSTANCES, '-inf', now, 'LIMIT', 0, most)
for _, instance in ipairs(expired) do
  reaped[#reaped + 1] = instance
  reaped[#reaped + 1] = retire(instance, true, limit, buried)
end
return {reaped, buried}
