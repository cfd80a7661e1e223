-- needs: requeueing
--
-- Removes an instance that shuts down, and its lease: requeues the jobs that it holds, without counting their starts.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  instance
--
-- Returns {jobs requeued}; {jobs requeued, 1} if it holds more and the caller has to call again.

local instance = ARGV[2]

local moved, _, is_empty = requeue_instance(instance, false, 0, {}, false, MOST_REQUEUED)
if not is_empty then return {moved, 1} end
remove_instance(instance)
return {moved}
