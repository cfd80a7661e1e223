-- How long jobs wait and run, as histograms: see durations.py, which names the fields. Each increment costs every job, so an
-- attempt that ends is counted in one field for both, and a completed one in no other counter.
local DURATIONS = base .. 'durations'

-- `buckets`: `<outcome>:<wait>:<run>`. The worker adds up the times, and passes the sums only now and then.
local function add_times(outcome, wait_ms, run_ms)
  redis.pcall('HINCRBY', DURATIONS, outcome .. ':waitMs', wait_ms)
  redis.pcall('HINCRBY', DURATIONS, outcome .. ':runMs', run_ms)
end

local function count_attempt(outcome, buckets, wait_ms, run_ms)
  redis.pcall('HINCRBY', DURATIONS, buckets, '1')
  if run_ms then add_times(outcome, wait_ms, run_ms) end
end
