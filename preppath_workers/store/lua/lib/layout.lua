-- The versions of the queue's layout: the first one, and LAYOUT of keys.py. With the first, all waiting jobs are in `wait`. A
-- queue gets the second when it first uses LATER, see later.lua. A release that knows only older versions refuses to work on
-- the queue.
local META, FIRST_LAYOUT, LAYOUT = base .. 'meta', '1', '2'

-- pcall: a key of another type must not stop the caller.
local function store_layout() redis.pcall('HSETNX', META, 'layout', FIRST_LAYOUT) end

local function raise_layout()
  local stored = redis.pcall('HGET', META, 'layout')
  if not stored or stored == FIRST_LAYOUT then redis.pcall('HSET', META, 'layout', LAYOUT) end
end
