-- Days of the calendar (UTC), such as "2026-11-26"; Redis has no `os.date`.

local DAY = 86400000

-- The date of a time (ms). Counts days in years that begin in March, so that a leap day comes last.
local function date_of(ms)
  local days = math.floor(ms / DAY) + 719468
  local era = math.floor(days / 146097)
  local of_era = days - era * 146097
  local year = math.floor((of_era - math.floor(of_era / 1460) + math.floor(of_era / 36524)
    - math.floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * of_year + 2) / 153)
  local day = of_year - math.floor((153 * month + 2) / 5) + 1
  month = month < 10 and month + 3 or month - 9
  return string.format('%04d-%02d-%02d', year + era * 400 + (month <= 2 and 1 or 0), month, day)
end

-- ms from a time until the day ends, and until the month ends.
local function ms_left(ms)
  local end_of_day = DAY - ms % DAY
  local month, last = string.sub(date_of(ms), 1, 7), ms + end_of_day
  while string.sub(date_of(last), 1, 7) == month do last = last + DAY end
  return end_of_day, last - ms
end
