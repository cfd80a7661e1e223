-- needs: events
--
-- Groups: the jobs that were added with the same `group`. A group is complete if it has as many jobs as its `size`, or was
-- closed. It ends when it is complete and all of its jobs have ended, and then emits one event. A job that is added or
-- replayed later reopens it, and its next end emits another event.

--: How long a group without unfinished jobs is kept (ms): a week.
local KEEP_GROUP = '604800000'

local GROUP_FIELDS = { 'jobs', 'completed', 'failed', 'cancelled', 'expired', 'size', 'closed' }

local function group_key(group) return base .. 'group:' .. group end

-- pcall: a key of another type must not stop a transition half-way.
local function add_in_group(group, field, amount)
  redis.pcall('HINCRBY', group_key(group), field, amount)
end

-- The group's counters; nil if there is no such group. `open` is the number of jobs that have not ended.
local function read_group(group)
  local values = redis.pcall('HMGET', group_key(group), unpack(GROUP_FIELDS))
  if values.err or not values[1] then return nil end
  local counters = {}
  for index, name in ipairs(GROUP_FIELDS) do counters[name] = integer(values[index]) or 0 end
  counters.open = counters.jobs - counters.completed - counters.failed - counters.cancelled - counters.expired
  counters.is_closed = counters.closed == 1 or counters.size > 0 and counters.jobs >= counters.size
  counters.has_ended = counters.is_closed and counters.open <= 0
  return counters
end

-- Adds a new job to a group, of `size` jobs if given.
local function join_group(id, group, size)
  -- A completion looks for `group` only if `progress` is set: see succeeded.lua.
  redis.call('HSET', job_key(id), 'group', group, 'progress', '0')
  add_in_group(group, 'jobs', 1)
  if size then redis.pcall('HSET', group_key(group), 'size', size) end
  redis.call('PERSIST', group_key(group))
end

-- Ends a group that has not ended, if all of its jobs have.
local function end_group(group)
  local counters = read_group(group)
  if not counters or counters.open > 0 then return end
  redis.call('PEXPIRE', group_key(group), KEEP_GROUP)
  if not counters.is_closed then return end
  add_in_group(group, 'ends', 1)
  redis.call('HSET', group_key(group), 'endedAt', timestamp)
  if not events_wanted(redis.call('HGET', GATE, 'eventsUntil')) then return end
  redis.call('RPUSH', EVENTS, cjson.encode({
    event = 'group-ended',
    group = group,
    ends = integer(redis.call('HGET', group_key(group), 'ends')) or 0,
    jobs = counters.jobs,
    completed = counters.completed,
    failed = counters.failed,
    cancelled = counters.cancelled,
    expired = counters.expired,
    at = now,
  }))
end

-- Counts the end of a job in its group, if it has one.
local function end_in_group(id, outcome)
  local group = redis.call('HGET', job_key(id), 'group')
  if not group or not read_group(group) then return end
  add_in_group(group, outcome, 1)
  end_group(group)
end

-- Reopens the group of a dead job that is replayed. If the group has expired, the job leaves it.
local function reopen_group(id)
  local group = redis.call('HGET', job_key(id), 'group')
  local counters = group and read_group(group)
  if not counters then
    redis.call('HDEL', job_key(id), 'group')
    return
  end
  -- If the group counts no failure, the job belonged to an earlier group of that name: it joins this one.
  if counters.failed > 0 then add_in_group(group, 'failed', -1) else add_in_group(group, 'jobs', 1) end
  redis.call('PERSIST', group_key(group))
  redis.call('HSET', job_key(id), 'progress', '0') -- as in join_group
end

-- Removes a job that has ended from its group: its id is used again.
local function leave_group(id, outcome)
  local group = redis.call('HGET', job_key(id), 'group')
  local counters = group and read_group(group)
  if not counters or counters[outcome] <= 0 then return end
  add_in_group(group, outcome, -1)
  add_in_group(group, 'jobs', -1)
end
