-- The versions of the queue's data model: the first one, and LAYOUT of keys.py. In the first one all waiting jobs are in
-- `wait`; in the second one, which a queue has since it first used LATER, some are there: see later.lua. Releases that know
-- only older ones leave the queue alone.
local META, FIRST_LAYOUT, LAYOUT = base .. 'meta', '1', '2'

-- pcall: a key of another type must not stop the caller.
local function store_layout() redis.pcall('HSETNX', META, 'layout', FIRST_LAYOUT) end

local function raise_layout()
  local stored = redis.pcall('HGET', META, 'layout')
  if not stored or stored == FIRST_LAYOUT then redis.pcall('HSET', META, 'layout', LAYOUT) end
end
