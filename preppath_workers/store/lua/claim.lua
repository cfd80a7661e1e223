-- Starts the next job of a slot, if it may start now: the oldest one in the slot's active list, where a BRPOPLPUSH may
-- just have put it. If the list is empty, moves the next job of `wait` there first. A repeated call returns the same job
-- with the same fencing token.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  instance
-- ARGV[3]  slot number
-- ARGV[4]  lease (ms), for registering an instance that is not registered
-- ARGV[5]  the rate limit's maximum; 0 for no limit
-- ARGV[6]  the rate limit's duration (ms)
-- ARGV[7]  the longest time between two probes of a queue that is out of service (ms)
--
-- Returns one of:
--   "<startedAt> <createdAt> <queuedAt> <priority> <id>\n<data>"
--                               the job is started for the first time; see first_start.lua
--   {"job", {field, value, …}}  the job is started; its hash and its id
--   {"wait", ms}                the slot keeps the job reserved and has to claim again after that time
--   {"none"}                    the slot holds no job: it may block in a pop

-- needs: keys

local instance, slot, limit, duration = ARGV[2], ARGV[3], ARGV[5], ARGV[6]

-- needs: fast_claim

local started = start_popped_job()
if started then return started end

-- needs: base, claiming

return claim(instance, slot, tonumber(ARGV[4]), limit, duration, tonumber(ARGV[7]))
