-- needs: requeueing
--
-- Requeues the jobs in the active list of a slot whose worker died, in front of the jobs of the same priority. The slot's
-- next worker calls it before anything else.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  worker_id
-- ARGV[3]  "1": the worker died, which is counted for a started job; "0": it shut down, and the start is not counted
-- ARGV[4]  how many times a job may lose its worker before it goes to the dead-letter list, reason `worker-died`
--
-- Returns {jobs requeued, {jobs moved to the dead-letter list, each as fields and values}}.

local worker_id, counted, limit = ARGV[2], ARGV[3] == '1', tonumber(ARGV[4])

local dead = {}
local moved = requeue_slot(worker_id, counted, limit, dead)
return {moved, dead}
