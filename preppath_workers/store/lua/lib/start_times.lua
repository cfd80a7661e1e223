-- The times of a new job, which is a table as in new_jobs.lua.

--: ms: ten years.
local LONGEST_DELAY = 315360000000

local function is_between(value, low, high)
  return type(value) == 'number' and value >= low and value <= high
end

-- What is wrong with the times of a new job; nil if nothing is. Sets the delay of one that has `at` (ms since the epoch).
local function problem_with_times(job)
  if job.at ~= nil then
    if job.delay ~= nil then return 'at and delay exclude each other' end
    job.delay = math.max(0, job.at - tonumber(timestamp))
    if job.delay > LONGEST_DELAY then return 'at must be at most ten years from now' end
  end
  if job.delay ~= nil and not is_between(job.delay, 0, LONGEST_DELAY) then
    return 'delay must be 0 or more, and at most ten years'
  end
  if job.expires ~= nil and (not is_between(job.expires, 0, LONGEST_DELAY) or job.expires <= (job.delay or 0)) then
    return 'expires must be later than ' .. (job.at and 'at' or 'delay') .. ', and at most ten years'
  end
end
