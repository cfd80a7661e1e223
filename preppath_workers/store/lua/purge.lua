-- needs: taking_dead
--
-- Deletes jobs of the dead-letter list.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2…] ids
--
-- Returns {jobs deleted}; ids that are not in the list are skipped. {jobs deleted, ids handled} if the list is so long that
-- the others have to wait for the next call.

local deleted = 0
for index = 2, #ARGV do
  if has_compared_enough() then return {deleted, index - 2} end
  if take_dead(ARGV[index]) then
    redis.call('DEL', job_key(ARGV[index]))
    deleted = deleted + 1
  end
end
return {deleted}
