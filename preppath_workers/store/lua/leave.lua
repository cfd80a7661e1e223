-- needs: requeueing
--
-- Removes an instance that shuts down, and its lease: requeues the jobs that it holds, without counting their starts.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  instance
--
-- Returns {jobs requeued}.

local instance = ARGV[2]

local moved = requeue_instance(instance, false, 0, {})
remove_instance(instance)
return {moved}
