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

local _, taken, handled = take_dead()
local deleted = 0
for id in pairs(taken) do
  redis.call('DEL', job_key(id))
  deleted = deleted + 1
end
return {deleted, handled}
