-- needs: requeueing
--
-- Empties the active list of one slot whose child is dead: back to the front of their lanes. Its successor
-- calls this before anything else.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  worker_id
-- ARGV[3]  "1": a started job counts as one that lost its worker; "0": it was given up in good order
-- ARGV[4]  times a job may lose its worker; then it is dead, reason `worker-died`
--
-- Returns {jobs that went back to the queue, {jobs that are dead now, each as fields and values}}.

local worker_id, counted, limit = ARGV[2], ARGV[3] == '1', tonumber(ARGV[4])

local dead = {}
local moved = requeue_slot(worker_id, counted, limit, dead)
return {moved, dead}
