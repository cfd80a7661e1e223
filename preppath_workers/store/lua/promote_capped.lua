-- needs: places, placing, jobs, capped
--
-- Moves delayed jobs whose users have budget again to `wait`.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2…] ids
--
-- Returns {jobs moved}; jobs that are not delayed because of a budget are skipped.

check_order()
local moved = 0
for index = 2, #ARGV do
  local id = ARGV[index]
  if redis.call('HDEL', CAPPED, id) == 1 and not is_overwritten(id) and redis.call('ZREM', DELAYED, id) == 1 then
    redis.call('HSET', job_key(id), 'state', 'waiting', 'queuedAt', now)
    redis.call('HDEL', job_key(id), 'stage')
    place_last({ id }, priority_of(id))
    moved = moved + 1
  end
end
return {moved}
