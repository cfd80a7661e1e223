-- Adds jobs: a hash for each, and an entry in `wait`, or in `delayed` if it has a delay. A job whose id exists is
-- unchanged, so a repeated call adds no second job; so is a key of another type. The id of a cancelled or expired job may be
-- used again.
-- Arguments are not checked: enqueue_checked.lua does that.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2…] four for each job:
--          id, 1 to 128 letters, digits or . _ : @ / + = -, a letter or digit first
--          data (a JSON object, up to 1,000,000 bytes)
--          priority, 1 (most urgent) to 100
--          delay (ms; 0 for none), or a JSON object of options: `delay` (ms), or in its place `at`, when the job is due
--          (ms since the epoch, by Redis's clock); `expires` (ms): if the job hasn't started
--          by then, it ends as `expired`; `group`: the group's name, in the form of an id; `groupSize`: how many jobs
--          the group will have, 1 to 1,000,000 (see close_group.lua);
--          `traceparent`: its trace, as in W3C Trace Context
--
-- Returns a list: 1 for each job that was added, 0 for each that exists already.

-- needs: keys
-- needs: adding

return added
