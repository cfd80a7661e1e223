-- needs: taking_dead
--
-- Deletes jobs of the dead-letter list.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2…] ids
--
-- Returns {jobs deleted}; ids that are not in the list are skipped.

local deleted = 0
for index = 2, #ARGV do
  if take_dead(ARGV[index]) then
    redis.call('DEL', job_key(ARGV[index]))
    deleted = deleted + 1
  end
end
return {deleted}
