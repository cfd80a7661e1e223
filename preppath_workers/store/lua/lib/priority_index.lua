-- `wait` is in execution order, its right end next. The index has the last (leftmost) job of each priority, scored by the
-- priority: a new job goes directly behind it.
local PRIORITY_INDEX = base .. 'priority_index'
