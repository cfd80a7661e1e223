-- `wait` is in execution order, its right end next. The index has the last (leftmost) job of each priority and round,
-- scored by both: a new job goes directly behind it. If the hash FAIR exists, users take turns: see rounds.lua.
local PRIORITY_INDEX, FAIR = base .. 'priority_index', base .. 'fair'
