-- needs: requeueing
--
-- An instance stops in good order: jobs that did not finish go back uncounted, and its lease is given up.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  instance
--
-- Returns {jobs moved}.

local instance = ARGV[2]

local moved = requeue_instance(instance, false, 0, {})
remove_instance(instance)
return {moved}
