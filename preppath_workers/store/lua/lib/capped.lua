-- Delayed jobs whose users have no budget left: what a request could cost at most (nano-dollars), and the scope that lacks
-- room for it, separated by a space, by the job's id.
local CAPPED = base .. 'capped'

--: Time that it is kept after the last change (s): longer than a month's cap can delay a job.
local KEEP_CAPPED = 40 * 86400
