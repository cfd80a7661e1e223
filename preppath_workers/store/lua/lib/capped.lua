-- A hash of the delayed jobs whose users have no budget left, by id. A value is the most that the request could cost
-- (nano-dollars), a space, and the scope that has no room for it. An entry of a job that is not delayed means nothing.
local CAPPED = base .. 'capped'

--: Time that it is kept after the last change (s): longer than a month's cap can delay a job.
local KEEP_CAPPED = 40 * 86400
