-- Checks whether a text is a JSON object by RFC 8259: cjson alone accepts NaN, 0x10, 01 and line breaks in strings.
local json_problem

-- A block, because a script can have 200 local names, and settle_and_fetch.lua has nearly as many.
do
  local NUMBERS = {'^-?0$', '^-?[1-9]%d*$', '^-?0%.%d+$', '^-?[1-9]%d*%.%d+$'}

  -- Valid sequences of UTF-8 (RFC 3629) of more than one byte.
  local SEQUENCES = {
    '[\194-\223][\128-\191]',
    '\224[\160-\191][\128-\191]', '[\225-\236\238\239][\128-\191][\128-\191]', '\237[\128-\159][\128-\191]',
    '\240[\144-\191][\128-\191][\128-\191]', '[\241-\243][\128-\191][\128-\191][\128-\191]',
    '\244[\128-\143][\128-\191][\128-\191]',
  }

  local function is_number(word)
    local digits = string.match(word, '^(.-)[eE][+-]?%d+$') or word
    for _, pattern in ipairs(NUMBERS) do
      if string.find(digits, pattern) then return true end
    end
    return false
  end

  local function blanks(found) return string.rep(' ', #found) end

  -- The byte at which the text is not UTF-8, or nil.
  local function not_utf8(entry)
    if not string.find(entry, '[\128-\255]') then return nil end
    for _, sequence in ipairs(SEQUENCES) do entry = string.gsub(entry, sequence, blanks) end
    return (string.find(entry, '[\128-\255]'))
  end

  -- The problem with the text, to be appended to a message; nil if there is none. Replacements keep the length, so that
  -- positions are those of the original text.
  function json_problem(entry)
    if not string.find(entry, '^[ \t\r\n]*{') then return '' end
    -- Half a surrogate pair is accepted, which cjson refuses. An escaped backslash before it makes it plain text.
    local plain = string.gsub(entry, '\\\\', 'XX')
    plain = string.gsub(plain, '\\u[dD][89a-fA-F]%x%x', 'XXXXXX')
    local decoded, failure = pcall(cjson.decode, plain)
    if not decoded then return ': ' .. (string.match(tostring(failure), 'Expected.*') or 'it is not JSON') end
    local place = not_utf8(entry)
    if place then return ': not UTF-8 at byte ' .. place end
    local bare = string.gsub(plain, '\\.', 'XX')
    for start, inside in string.gmatch(bare, '()"([^"]*)"') do
      place = string.find(inside, '[%z\1-\31]')
      if place then return ': control character in a string at byte ' .. (start + place) end
    end
    bare = string.gsub(bare, '"[^"]*"', blanks)
    for start, word in string.gmatch(bare, '()([%w.+-]+)') do
      if word ~= 'true' and word ~= 'false' and word ~= 'null' and not is_number(word) then
        return ': invalid value at byte ' .. start
      end
    end
    return nil
  end
end
