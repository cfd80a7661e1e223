-- Reads what a list shows of jobs: all but results, steps and large data. Changes nothing.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  the most bytes of data to return; for longer data, its size is returned instead
-- ARGV[3…] ids
--
-- Returns a list of {field, value, …} with the job's id, of those that exist.

local FIELDS = {
  'state', 'priority', 'progress', 'stage', 'attempts', 'failures', 'replays', 'reason', 'error', 'workerId', 'createdAt',
  'queuedAt', 'startedAt', 'finishedAt',
}

local heads = {}
for index = 3, #ARGV do
  local key = job_key(ARGV[index])
  local values = fields_of(ARGV[index], unpack(FIELDS))
  local head = { 'id', ARGV[index] }
  local function add_field(name, value)
    if not value then return end
    head[#head + 1] = name
    head[#head + 1] = value
  end
  for position, name in ipairs(FIELDS) do add_field(name, values[position]) end
  local size = values.err and 0 or redis.call('HSTRLEN', key, 'data')
  local is_small = size <= tonumber(ARGV[2])
  add_field('data', is_small and field_of(ARGV[index], 'data') or '(' .. size .. ' bytes)')
  if #head > 2 then heads[#heads + 1] = head end
end
return heads
