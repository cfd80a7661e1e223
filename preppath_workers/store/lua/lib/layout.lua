-- The version of the queue's data model: LAYOUT of keys.py. Workers that know only older ones refuse to start.
local META, LAYOUT = base .. 'meta', '1'

-- pcall: a key of another type must not stop the caller.
local function store_layout() redis.pcall('HSETNX', META, 'layout', LAYOUT) end
